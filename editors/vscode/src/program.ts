/** Runs ksrcfind itself, for what is no matter of one line. */

import { spawn } from "node:child_process";

export interface Settings {
  readonly command: readonly string[];
  readonly repo: string;
  readonly rev: string;
  readonly index: string;
}

/** Returns the program and its arguments. A bundle takes precedence over a tree, as in the server. */
export function invocation(settings: Settings, words: readonly string[]): { program: string; args: string[] } {
  const [program = "ksrcfind", ...own] = settings.command;
  const tree = settings.index
    ? ["--index", settings.index]
    : [...(settings.repo ? ["--repo", settings.repo] : []), ...(settings.rev ? ["--rev", settings.rev] : [])];
  return { program, args: [...own, ...words, ...tree] };
}

/** Runs it without a shell; returns what it printed. Rejects with what it said if it could not answer. */
export function run(settings: Settings, words: readonly string[], input: string, directory?: string): Promise<string> {
  const { program, args } = invocation(settings, words);
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...(directory ? { cwd: directory } : {}), stdio: "pipe" });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (piece: Buffer) => out.push(piece));
    child.stderr.on("data", (piece: Buffer) => err.push(piece));
    child.on("error", (problem) => reject(new Error(`${program} cannot be started: ${problem.message}`)));
    child.on("close", (status) => {
      const said = Buffer.concat(err).toString("utf8").trim();
      // 1 says that nothing matched, which is an answer.
      if (status === 0 || status === 1) resolve(Buffer.concat(out).toString("utf8"));
      else reject(new Error(said || `${program} ended with status ${status}`));
    });
    child.stdin.on("error", () => undefined); // It may end before it has read everything.
    child.stdin.end(input);
  });
}
