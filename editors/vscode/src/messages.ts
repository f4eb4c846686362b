/** The messages of a log as a tree: subsystems, their messages, the lines of each. Knows nothing of the editor. */

export interface Outline {
  readonly name: string;
  readonly detail: string;
  readonly line: number;
  readonly children: readonly Outline[];
}

export interface Node {
  readonly label: string;
  readonly description: string;
  /** The line of the log that it leads to, from 0; undefined for a subsystem. */
  readonly line: number | undefined;
  readonly children: readonly Node[];
}

/** Returns the nodes of a view: subsystems with the most messages first, of equals in the order of their names. */
export function nodes(outline: readonly Outline[]): Node[] {
  return [...outline]
    .sort((a, b) => b.children.length - a.children.length || a.name.localeCompare(b.name, "en"))
    .map((subsystem) => ({
      label: subsystem.name,
      description: String(subsystem.children.length),
      line: undefined,
      children: subsystem.children.map(message),
    }));
}

function message(outline: Outline): Node {
  return {
    label: outline.name,
    description: outline.detail,
    line: outline.line,
    children: outline.children.map(message),
  };
}
