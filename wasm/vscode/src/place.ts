/** Where the recording is that the settings name. */
import * as vscode from "vscode";

/** A path, a path within the workspace, or a URI; undefined if there is none, or none that can be found. */
export function recordingUri(log: vscode.LogOutputChannel): vscode.Uri | undefined {
  const place = vscode.workspace.getConfiguration("turnledger").get<string>("recording", "").trim();
  if (place === "") return undefined;
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(place)) return parsed(place, log);
  if (/^([/\\]|[a-z]:[/\\])/i.test(place)) return vscode.Uri.file(place);
  const folder = vscode.workspace.workspaceFolders?.[0];
  if (folder === undefined) log.error("recording: a path within the workspace, and no folder is open");
  return folder && vscode.Uri.joinPath(folder.uri, ...place.split(/[/\\]/));
}

function parsed(place: string, log: vscode.LogOutputChannel): vscode.Uri | undefined {
  try {
    return vscode.Uri.parse(place, true);
  } catch {
    log.error("recording: the setting is no URI");
    return undefined;
  }
}
