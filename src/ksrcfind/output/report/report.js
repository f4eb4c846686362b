"use strict";
// Text of the log, the tree and its history reaches the page as text nodes only.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const body = document.querySelector("#messages tbody");
  const search = document.getElementById("search");
  const shown = document.getElementById("shown");
  const selects = [...document.querySelectorAll("select[data-field]")];
  const form = document.querySelector("form.controls");
  const showAll = document.getElementById("all");
  let most = Number(body.dataset.most); // A table of many thousand rows is slow; most readers need the first ones.
  const rows = [...body.rows].map((row, number) => {
    const message = data.messages[number];
    return { row, message, detail: null, text: JSON.stringify(message).toLowerCase() };
  });

  function element(name, text, className) {
    const made = document.createElement(name);
    if (text !== undefined && text !== null) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  function section(cell, title, ...content) {
    cell.append(element("h3", title), ...content);
  }

  function sourceLines(message) {
    const pre = element("pre");
    for (const [number, text] of message.source) {
      const inside = number >= message.line && number <= message.end;
      const mark = message.marked.includes(number) ? "condition" : "";
      pre.append(element("span", `${String(number).padStart(6)}  ${text}\n`, inside ? "here" : mark));
    }
    return pre;
  }

  function argumentTable(message) {
    const table = element("table");
    const head = table.createTHead().insertRow();
    for (const title of ["argument", "expression", "values (count)"]) {
      const cell = element("th", title);
      cell.scope = "col";
      head.append(cell);
    }
    const lines = table.createTBody();
    for (const argument of message.arguments) {
      const line = lines.insertRow();
      line.insertCell().textContent = argument.conversion;
      line.insertCell().textContent = argument.expression;
      const values = argument.values.map(([value, count]) => (count > 1 ? `${value} (${count})` : value));
      line.insertCell().textContent = values.join(", ") + (argument.complete ? "" : ", and more");
    }
    table.className = "mono";
    return table;
  }

  function commitBlock(commit) {
    const release = commit.first_release || commit.first_tag || "no release";
    const block = element("div");
    block.append(
      element("p", `${commit.commit.slice(0, 12)} ("${commit.subject}"), first in ${release}, by ${commit.author}, ${commit.date}`),
      element("pre", commit.message),
    );
    if (commit.mentions.length) block.append(element("p", "It mentions:"), element("pre", commit.mentions.join("\n")));
    return block;
  }

  function fill(cell, message) {
    const facts = [message.count === 1 ? "once" : `${message.count.toLocaleString("en")} times`, message.when];
    if (message.confidence !== null) facts.push(`${message.tier} match, confidence ${message.confidence}`);
    if (message.suppressed) facts.push(`${message.suppressed} more suppressed by the kernel`);
    cell.append(element("p", facts.join("; ")));
    if (message.reason) cell.append(element("p", message.reason));
    if (message.place !== message.printed_by) cell.append(element("p", `About ${message.place}`));
    if (message.meaning) {
      section(cell, message.meaning.title, element("p", message.meaning.means));
      section(cell, "Usual causes", element("pre", message.meaning.causes.map((cause) => `- ${cause}`).join("\n")));
      section(cell, "Check with", element("pre", message.meaning.check.join("\n")));
    }
    if (message.why) cell.append(element("p", message.why));
    if (message.call) section(cell, `${message.printed_by} prints`, element("pre", message.call));
    if (message.source.length) section(cell, "Source", sourceLines(message));
    if (message.arguments.length) section(cell, "Values", argumentTable(message));
    if (message.callers.length > 1) section(cell, message.callers[0], element("pre", message.callers.slice(1).join("\n")));
    if (message.documents.length) section(cell, "Documented in", element("pre", message.documents.join("\n")));
    for (const [title, id] of message.commits) section(cell, title, commitBlock(data.commits[id]));
    if (message.events.length) section(cell, "Life", element("pre", message.events.join("\n")));
    if (message.others.length) section(cell, "Other candidates", element("pre", message.others.join("\n")));
    if (message.maintainers.length) section(cell, message.subsystem, element("pre", message.maintainers.join("\n")));
    if (message.report) {
      const places = message.report.faulted_at.map(([place, count]) => `${place} (${count})`);
      if (places.length) section(cell, "Instruction pointer", element("pre", places.join("\n")));
      section(cell, `Report (${message.report.rows} rows in total)`, element("pre", message.report.example.join("\n")));
    }
  }

  function toggle(entry) {
    const button = entry.row.querySelector("button");
    if (entry.detail === null) {
      entry.detail = element("tr", null, "detail");
      entry.detail.id = `detail-${entry.message.id}`;
      const cell = entry.detail.insertCell();
      fill(cell, entry.message);
      button.setAttribute("aria-controls", entry.detail.id);
      entry.detail.hidden = true;
    }
    // A narrow page hides columns. Columns that only the details had would take room from them.
    const shown = [...entry.row.cells].filter((one) => getComputedStyle(one).display !== "none");
    entry.detail.cells[0].colSpan = shown.length;
    entry.detail.hidden = !entry.detail.hidden;
    button.setAttribute("aria-expanded", String(!entry.detail.hidden));
    entry.row.after(entry.detail);
  }

  function matches(message, select) {
    return select.value === "" || message[select.dataset.field] === select.value;
  }

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let [count, left] = [0, 0];
    for (const entry of rows) {
      const wanted =
        words.every((word) => entry.text.includes(word)) && selects.every((select) => matches(entry.message, select));
      const visible = wanted && count < most;
      left += wanted && !visible;
      entry.row.hidden = !visible;
      if (entry.detail) entry.detail.hidden = !visible || entry.row.querySelector("button").ariaExpanded !== "true";
      count += visible;
    }
    const [visible, all] = [count, rows.length].map((number) => number.toLocaleString("en"));
    showAll.hidden = left === 0;
    shown.textContent = count === rows.length ? `${visible} shown` : `${visible} of ${all} shown`;
    for (const bar of document.querySelectorAll("[data-filter]")) {
      const select = document.getElementById(`f-${bar.dataset.filter}`);
      bar.setAttribute("aria-pressed", String(select.value === bar.dataset.value));
    }
  }

  const keys = {
    level: (message) => message.rank,
    count: (message) => message.count,
    body: (message) => message.body,
    place: (message) => message.place,
    release: (message) => message.age,
    subsystem: (message) => message.subsystem,
    first: (message) => message.order,
  };

  function compare(left, right) {
    return typeof left === "number" ? left - right : left.localeCompare(right);
  }

  function sort(button) {
    const head = button.closest("th");
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = keys[button.dataset.sort];
    const sign = down ? -1 : 1;
    rows.sort((a, b) => sign * compare(key(a.message), key(b.message)) || a.message.order - b.message.order);
    const all = document.createDocumentFragment();
    for (const entry of rows) {
      all.append(entry.row);
      if (entry.detail) all.append(entry.detail);
    }
    body.append(all);
    if (rows.length > most) filter();
  }

  let pending = 0;
  search.addEventListener("input", () => {
    clearTimeout(pending);
    pending = setTimeout(filter, 80);
  });
  for (const select of selects) select.addEventListener("change", filter);
  showAll.addEventListener("click", () => {
    most = Infinity;
    filter();
  });
  form.addEventListener("reset", () => setTimeout(filter));
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const button of document.querySelectorAll("[data-sort]")) {
    button.addEventListener("click", () => sort(button));
  }
  for (const bar of document.querySelectorAll("[data-filter]")) {
    bar.addEventListener("click", () => {
      const select = document.getElementById(`f-${bar.dataset.filter}`);
      select.value = select.value === bar.dataset.value ? "" : bar.dataset.value;
      filter();
    });
  }
  const byRow = new Map(rows.map((entry) => [entry.row, entry]));
  body.addEventListener("click", (event) => {
    const row = event.target.closest("tr.message");
    if (row) toggle(byRow.get(row));
  });
  // An incident leads to its message, which opens, whatever the filters hide.
  for (const link of document.querySelectorAll(".incidents a")) {
    link.addEventListener("click", () => {
      const entry = byRow.get(document.querySelector(link.hash));
      form.reset();
      filter();
      if (entry.row.hidden) showAll.click();
      if (entry.detail === null || entry.detail.hidden) toggle(entry);
      entry.row.querySelector("button").focus({ preventScroll: true });
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.target.closest("input, select")) {
      event.preventDefault();
      search.focus();
    }
  });
})();
