/** Today's numbers of Codex sessions in the status bar: the same on the desktop and in a browser. */
import * as vscode from "vscode";

import type { TurnledgerApi } from "./api.js";
import { Live } from "./live.js";
import { dayOf } from "./numbers.js";
import { recordingUri } from "./place.js";
import { Recording } from "./recording.js";
import { SHOW, Status } from "./status.js";
import { Today } from "./today.js";
import { Uploads } from "./uploads.js";

/** How often files that cannot be watched, the day, and what other windows counted are looked at. */
const TICK_MS = 5000;

let stop: (() => Promise<void>) | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<TurnledgerApi> {
  const log = vscode.window.createOutputChannel("Turnledger", { log: true });
  const status = new Status();
  const today = new Today(context.globalState);
  const uploads = new Uploads(log);
  let hasCounted = false;
  let recording: Recording | undefined;
  let followed = "";

  const counted = (): void => {
    hasCounted = true;
    show();
  };
  const live = await Live.start(context.workspaceState, today, uploads.target, log, counted);
  const isOff = !live.ledger.isEnabled;

  const show = (): void =>
    status.show({
      day: dayOf(Date.now()),
      numbers: today.total(),
      isOff,
      recording: recording && { problem: recording.problem },
      isUploading: uploads.isOpen,
    });

  const follow = (): void => {
    const uri = isOff ? undefined : recordingUri(log);
    if (followed === (uri?.toString() ?? "")) return;
    followed = uri?.toString() ?? "";
    recording?.dispose();
    recording = uri && new Recording(uri, today, log, counted);
    recording?.check();
  };

  /** Together: a turn is in the numbers or in the snapshot, never in neither. */
  const save = async (): Promise<void> => {
    if (hasCounted) {
      hasCounted = false;
      await today.save();
    }
    await live.save();
  };

  const allow = async (): Promise<void> => {
    await uploads.update(live.ledger);
    show();
  };

  const configure = async (change: vscode.ConfigurationChangeEvent): Promise<void> => {
    if (!change.affectsConfiguration("turnledger")) return;
    follow();
    await allow();
    if (change.affectsConfiguration("turnledger.upload.url") && uploads.needsRestart) {
      const restart = "Reload Window";
      const answer = await vscode.window.showInformationMessage("Turnledger uploads to the new server from the next start on.", restart);
      if (answer === restart) await vscode.commands.executeCommand("workbench.action.reloadWindow");
    }
  };

  const tick = setInterval(() => {
    recording?.check();
    void save();
    show();
  }, TICK_MS);

  context.subscriptions.push(
    log,
    status,
    { dispose: () => clearInterval(tick) },
    { dispose: () => recording?.dispose() },
    vscode.commands.registerCommand(SHOW, () => status.pick(log)),
    vscode.workspace.onDidChangeConfiguration((change) => void configure(change)),
    vscode.workspace.onDidChangeWorkspaceFolders(follow),
    vscode.workspace.onDidGrantWorkspaceTrust(() => void allow()),
    vscode.env.onDidChangeTelemetryEnabled(() => void allow()),
  );
  stop = async () => {
    await save();
    // Not `close`: turns that run go on after the restart.
    await live.ledger.flush();
  };
  follow();
  show();
  return { observe: live.observe };
}

export async function deactivate(): Promise<void> {
  await stop?.();
}
