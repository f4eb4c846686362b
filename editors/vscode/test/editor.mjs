/**
 * Tries the extension in the editor itself, served to a browser, and takes the picture of the README.
 *
 *     npm install --no-save playwright-core
 *     node test/editor.mjs http://127.0.0.1:8080/?folder=DIRECTORY [CHROMIUM]
 *
 * At the address is code-server (or another build of VS Code for the browser) with the extension installed. The directory
 * holds a log `server.dmesg` with the lines of the other clients' captures; the settings name the bundled repository.
 */

import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const [address, executablePath = "/usr/bin/chromium"] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const page = await browser.newPage({ viewport: { width: 1080, height: 600 } });
page.setDefaultTimeout(20_000);

const activeTab = () => page.locator(".tab.active").first();
const line = (text) => page.locator(".view-line", { hasText: text }).first();

async function open(name) {
  await page.keyboard.press("Control+P");
  await page.locator(".quick-input-box input.input").fill(name);
  await page.locator(".quick-input-list .monaco-list-row", { hasText: name }).first().click();
  await activeTab().filter({ hasText: name }).waitFor();
}

async function command(title) {
  await page.keyboard.press("F1");
  await page.locator(".quick-input-box input.input").fill(`>${title}`);
  await page.locator(".quick-input-list .monaco-list-row", { hasText: title }).first().click();
}

/** Runs a step and says that it was seen. */
async function seen(what, step) {
  await step();
  console.log(`ok: ${what}`);
}

try {
  await page.goto(address, { waitUntil: "domcontentloaded" });
  await page.locator(".explorer-folders-view").first().waitFor({ timeout: 90_000 });
  await open("server.dmesg");

  await seen("the language is Kernel Log", () => page.locator(".statusbar-item", { hasText: "Kernel Log" }).waitFor());
  const lens = page.locator(".codelens-decoration a", { hasText: "v5.9 · mm, oom: say so" }).first();
  await seen("a lens tells release and commit", () => lens.waitFor());
  await seen("the lens counts repeats", async () => assert.match((await lens.textContent()) ?? "", /2 times/));
  await seen("severe lines are problems", () => page.locator(".squiggly-error").first().waitFor());

  await page.locator(".pane-header", { hasText: "Kernel Log Messages" }).click();
  const outline = page.locator(".pane", { hasText: "Kernel Log Messages" }).locator(".monaco-list-row");
  await seen("the view lists subsystems", async () => {
    await outline.filter({ hasText: "MEMORY" }).first().click();
    await outline.filter({ hasText: "OOM victim" }).first().waitFor();
  });

  const hover = page.locator(".monaco-hover:visible", { hasText: "__oom_kill_process()" });
  await seen("a hover tells function, values and release", async () => {
    await line("46452").hover({ position: { x: 300, y: 8 } });
    await hover.waitFor();
    const text = (await hover.textContent()) ?? "";
    for (const part of ["mm/oom_kill.c:14", "nginx", "Introduced in v5.9"]) assert.ok(text.includes(part), text);
  });
  await page.screenshot({ path: "screenshot.png" });

  await line("46452").click({ position: { x: 300, y: 8 } });
  await page.keyboard.press("F12");
  await seen("go to definition opens the call", async () => {
    await activeTab().filter({ hasText: "oom_kill.c" }).waitFor();
    await page.locator(".statusbar-item", { hasText: "Ln 14," }).waitFor();
  });
  await seen("a lens over the call", () =>
    page.locator(".codelens-decoration", { hasText: "introduced in v5.9" }).first().waitFor(),
  );
  await page.keyboard.press("Shift+F12");
  await seen("find references leads to the log", () =>
    page.locator(".reference-zone-widget", { hasText: "server.dmesg" }).first().waitFor(),
  );
  await page.keyboard.press("Escape");

  await open("server.dmesg");
  await lens.click();
  await seen("a click on the lens opens the commit", () => activeTab().filter({ hasText: ".patch" }).waitFor());

  await open("server.dmesg");
  await line("46452").click({ position: { x: 300, y: 8 } });
  await page.keyboard.press("Control+.");
  await seen("the actions of a line", () =>
    page.locator(".action-widget", { hasText: "Show the life of the message" }).first().waitFor(),
  );
  await page.keyboard.press("Escape");

  await command("ksrcfind: Explain the Selected Log Lines");
  await seen("the line's whole answer beside it", () => line("First release  v5.9").waitFor());
  await open("server.dmesg");
  await command("ksrcfind: Explain This Log");
  await seen("what the whole log says", () => line("introduced in v5.9").waitFor());
} catch (problem) {
  await page.screenshot({ path: "failed.png" });
  throw problem;
} finally {
  await browser.close();
}
