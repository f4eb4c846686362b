/** The extension: the language client, two commands that run ksrcfind itself, and the view of a log's messages. */

import * as vscode from "vscode";
import { ExecuteCommandSignature, LanguageClient } from "vscode-languageclient/node";
import { Node, nodes, Outline } from "./messages";
import { invocation, run, Settings } from "./program";

let client: LanguageClient | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const view = new MessagesView();
  context.subscriptions.push(
    vscode.window.registerTreeDataProvider("ksrcfind.messages", view),
    vscode.window.onDidChangeActiveTextEditor(() => view.refresh()),
    vscode.workspace.onDidSaveTextDocument(() => view.refresh()),
    vscode.commands.registerCommand("ksrcfind.refreshMessages", () => view.refresh()),
    vscode.commands.registerCommand("ksrcfind.restart", () => client?.restart()),
    vscode.commands.registerTextEditorCommand("ksrcfind.findSelection", (editor) => {
      const text = editor.document.getText(editor.selection) || editor.document.lineAt(editor.selection.active).text;
      return show(["find", "-"], text);
    }),
    vscode.commands.registerTextEditorCommand("ksrcfind.explainFile", (editor) =>
      show(["batch", "--quiet", "-"], editor.document.getText()),
    ),
  );
  client = languageClient();
  context.subscriptions.push({ dispose: () => void client?.stop() });
  await client.start();
  view.refresh();
}

export async function deactivate(): Promise<void> {
  await client?.stop();
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
      documentSelector: [{ language: "dmesg" }, { language: "c", scheme: "file" }],
      initializationOptions: { ...vscode.workspace.getConfiguration("ksrcfind"), copies: true },
      synchronize: {
        configurationSection: "ksrcfind",
        fileEvents: vscode.workspace.createFileSystemWatcher("**/*.{c,h}"),
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
    const document = await vscode.workspace.openTextDocument({ content, language: "plaintext" });
    await vscode.window.showTextDocument(document, { preview: true, viewColumn: vscode.ViewColumn.Beside });
  } catch (problem) {
    await vscode.window.showErrorMessage(problem instanceof Error ? problem.message : String(problem));
  }
}

class MessagesView implements vscode.TreeDataProvider<Node> {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;

  refresh(): void {
    this.changed.fire();
  }

  async getChildren(parent?: Node): Promise<Node[]> {
    if (parent) return [...parent.children];
    const document = vscode.window.activeTextEditor?.document;
    if (document?.languageId !== "dmesg") return [];
    const found = await vscode.commands.executeCommand<vscode.DocumentSymbol[] | undefined>(
      "vscode.executeDocumentSymbolProvider",
      document.uri,
    );
    return nodes((found ?? []).map(outline));
  }

  getTreeItem(node: Node): vscode.TreeItem {
    const item = new vscode.TreeItem(
      node.label,
      node.children.length ? vscode.TreeItemCollapsibleState.Collapsed : vscode.TreeItemCollapsibleState.None,
    );
    item.description = node.description;
    const uri = vscode.window.activeTextEditor?.document.uri;
    if (node.line !== undefined && uri) {
      const selection = new vscode.Range(node.line, 0, node.line, 0);
      item.command = { command: "vscode.open", title: "Show the line", arguments: [uri, { selection }] };
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
