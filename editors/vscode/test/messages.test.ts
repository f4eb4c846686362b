import assert from "node:assert/strict";
import { test } from "node:test";
import { nodes, Outline } from "../src/messages";

const leaf = (name: string, line: number, children: Outline[] = []): Outline => ({ name, detail: "", line, children });

test("subsystems with the most messages come first and lead to no line", () => {
  const found = nodes([
    { name: "B", detail: "", line: 4, children: [leaf("b", 4)] },
    { name: "A", detail: "", line: 9, children: [leaf("a", 9)] },
    { name: "C", detail: "", line: 0, children: [leaf("x", 0), leaf("y", 1)] },
  ]);
  assert.deepEqual(found.map((node) => [node.label, node.description, node.line]), [
    ["C", "2", undefined],
    ["A", "1", undefined],
    ["B", "1", undefined],
  ]);
});

test("messages lead to their first line, repeats to theirs", () => {
  const [group] = nodes([{ name: "MM", detail: "", line: 3, children: [leaf("oom", 3, [leaf("line 8", 7)])] }]);
  const message = group?.children[0];
  assert.equal(message?.line, 3);
  assert.equal(message?.children[0]?.line, 7);
});

test("a log without messages has no nodes", () => assert.deepEqual(nodes([]), []));
