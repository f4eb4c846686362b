/** The extension: the language client, two commands that run ksrcfind itself, and the view of a log's messages. */

import * as vscode from "vscode";
import { ExecuteCommandSignature, LanguageClient } from "vscode-languageclient/node";
import { Node, nodes, Outline } from "./messages";
import { invocation, run, Settings } from "./program";

const SCHEME = "ksrcfind";

let client: LanguageClient | undefined;
let answers: Answers;
let watchers: vscode.FileSystemWatcher[] | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const view = new MessagesView();
  answers = new Answers();
  context.subscriptions.push(
    vscode.window.registerTreeDataProvider("ksrcfind.messages", view),
    vscode.window.onDidChangeActiveTextEditor((editor) => view.show(editor?.document)),
    vscode.workspace.onDidChangeTextDocument((event) => view.changed(event.document)),
    vscode.workspace.onDidCloseTextDocument((document) => (view.closed(document), answers.forget(document))),
    vscode.workspace.registerTextDocumentContentProvider(SCHEME, answers),
    vscode.commands.registerCommand("ksrcfind.refreshMessages", () => view.refresh()),
    vscode.commands.registerCommand("ksrcfind.restart", () => start(view)),
    vscode.commands.registerTextEditorCommand("ksrcfind.findSelection", (editor) => {
      const text = editor.document.getText(editor.selection) || editor.document.lineAt(editor.selection.active).text;
      return show(["find", "-"], text);
    }),
    vscode.commands.registerTextEditorCommand("ksrcfind.explainFile", (editor) =>
      show(["batch", "--quiet", "-"], editor.document.getText()),
    ),
  );
  view.show(vscode.window.activeTextEditor?.document);
  await start(view);
}

export async function deactivate(): Promise<void> {
  await client?.stop();
}

/** Starts the server, with the settings as they are now. What goes wrong is said; the commands work without it. */
async function start(view: MessagesView): Promise<void> {
  try {
    await client?.dispose();
    client = languageClient();
    await client.start();
    view.refresh();
  } catch (problem) {
    client = undefined;
    await complain(`${reason(problem)}. The command ksrcfind lsp in a terminal says what is missing.`);
  }
}

function settings(): Settings {
  const configured = vscode.workspace.getConfiguration("ksrcfind");
  return {
    command: configured.get<string[]>("command", ["ksrcfind"]),
    repo: configured.get<string>("repo", ""),
    rev: configured.get<string>("rev", ""),
    index: configured.get<string>("index", ""),
  };
}

function languageClient(): LanguageClient {
  const { program, args } = invocation({ ...settings(), repo: "", rev: "", index: "" }, ["lsp"]);
  return new LanguageClient(
    "ksrcfind",
    "ksrcfind",
    { command: program, args },
    {
      documentSelector: [
        { language: "dmesg" },
        { language: "c", scheme: "file" },
        { language: "cpp", scheme: "file", pattern: "**/*.h" }, // What the editor takes headers for.
      ],
      initializationOptions: { ...vscode.workspace.getConfiguration("ksrcfind"), copies: true },
      synchronize: {
        configurationSection: "ksrcfind",
        fileEvents: (watchers ??= ["**/*.{c,h}", "**/.git/{HEAD,logs/HEAD}"].map((pattern) =>
          vscode.workspace.createFileSystemWatcher(pattern),
        )),
      },
      middleware: { executeCommand },
    },
  );
}

/** The server returns the text of what it shows; a copy is for the clipboard. */
async function executeCommand(command: string, args: unknown[], next: ExecuteCommandSignature): Promise<unknown> {
  const answer: { text?: string } | null = await next(command, args);
  if (command === "ksrcfind.copyAnswer" && answer?.text !== undefined) {
    await vscode.env.clipboard.writeText(answer.text);
  }
  return answer;
}

async function show(words: string[], input: string): Promise<void> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  const progress = { location: vscode.ProgressLocation.Notification, title: "ksrcfind" };
  try {
    const content = await vscode.window.withProgress(progress, () => run(settings(), words, input, folder));
    await vscode.window.showTextDocument(answers.keep(content), { preview: true, viewColumn: vscode.ViewColumn.Beside });
  } catch (problem) {
    await complain(reason(problem));
  }
}

/** Answers as documents that can only be read: nobody is asked to save them. */
class Answers implements vscode.TextDocumentContentProvider {
  private readonly contents = new Map<string, string>();
  private count = 0;

  /** Keeps an answer until it is closed; returns its address. */
  keep(content: string): vscode.Uri {
    this.count += 1;
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `answer ${this.count}.txt` });
    this.contents.set(uri.toString(), content);
    return uri;
  }

  forget(document: vscode.TextDocument): void {
    this.contents.delete(document.uri.toString());
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.contents.get(uri.toString()) ?? "";
  }
}

function reason(problem: unknown): string {
  return problem instanceof Error ? problem.message : String(problem);
}

async function complain(text: string): Promise<void> {
  await vscode.window.showErrorMessage(`ksrcfind: ${text}`);
}

/** The messages of the log that was looked at last, also while something else has the focus. */
class MessagesView implements vscode.TreeDataProvider<Node> {
  private readonly fire = new vscode.EventEmitter<void>();
  private log: vscode.Uri | undefined;
  private pending: NodeJS.Timeout | undefined;
  readonly onDidChangeTreeData = this.fire.event;

  show(document: vscode.TextDocument | undefined): void {
    if (document?.languageId !== "dmesg" || document.uri.toString() === this.log?.toString()) return;
    this.log = document.uri;
    this.refresh();
  }

  changed(document: vscode.TextDocument): void {
    if (document.uri.toString() !== this.log?.toString()) return;
    clearTimeout(this.pending); // Many edits, one question.
    this.pending = setTimeout(() => this.refresh(), 500);
  }

  closed(document: vscode.TextDocument): void {
    if (document.uri.toString() !== this.log?.toString()) return;
    this.log = undefined;
    this.refresh();
  }

  refresh(): void {
    this.fire.fire();
  }

  async getChildren(parent?: Node): Promise<Node[]> {
    if (parent) return [...parent.children];
    if (!this.log) return [];
    const found = await vscode.commands.executeCommand<vscode.DocumentSymbol[] | undefined>(
      "vscode.executeDocumentSymbolProvider",
      this.log,
    );
    return nodes((found ?? []).map(outline));
  }

  getTreeItem(node: Node): vscode.TreeItem {
    const item = new vscode.TreeItem(
      node.label,
      node.children.length ? vscode.TreeItemCollapsibleState.Collapsed : vscode.TreeItemCollapsibleState.None,
    );
    item.description = node.description;
    if (node.line !== undefined && this.log) {
      const selection = new vscode.Range(node.line, 0, node.line, 0);
      item.command = { command: "vscode.open", title: "Show the line", arguments: [this.log, { selection }] };
    }
    return item;
  }
}

function outline(symbol: vscode.DocumentSymbol): Outline {
  return {
    name: symbol.name,
    detail: symbol.detail,
    line: symbol.selectionRange.start.line,
    children: symbol.children.map(outline),
  };
}
