import assert from "node:assert/strict";
import { test } from "node:test";
import { invocation, run, Settings } from "../src/program";

const settings = (own: Partial<Settings> = {}): Settings => ({
  command: [process.execPath, "-e"],
  repo: "",
  rev: "",
  index: "",
  ...own,
});

test("options of the settings follow the words, a bundle excludes the others", () => {
  const command = ["ksrcfind", "-q"];
  assert.deepEqual(invocation(settings({ command, repo: "/linux", rev: "v6.1" }), ["find", "-"]), {
    program: "ksrcfind",
    args: ["-q", "find", "-", "--repo", "/linux", "--rev", "v6.1"],
  });
  assert.deepEqual(invocation(settings({ command, repo: "/linux", index: "/i" }), ["find"]).args, [
    "-q",
    "find",
    "--index",
    "/i",
  ]);
});

test("what is printed comes back, also when nothing matched", async () => {
  const echo = "process.stdin.pipe(process.stdout); process.exitCode = 1";
  assert.equal(await run(settings(), [echo], "Grüße 𝄞"), "Grüße 𝄞");
});

test("an error is what the program said", async () => {
  await assert.rejects(run(settings(), ["console.error('error: no tree'); process.exit(2)"], ""), /error: no tree/);
});

test("a program that is not there is named", async () => {
  await assert.rejects(run(settings({ command: ["/no/such/ksrcfind"] }), [], "x"), /no\/such\/ksrcfind cannot be started/);
});
