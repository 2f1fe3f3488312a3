/** The status bar item, its tooltip, and the list behind it. */
import * as vscode from "vscode";

import type { Numbers } from "./numbers.js";
import { rows, short } from "./rows.js";

export const SHOW = "turnledger.showNumbers";

/** What there is to show. */
export interface View {
  day: string;
  /** Undefined: nothing was observed, so that nothing is known. */
  numbers: Numbers | undefined;
  /** Whether the user has said no to all of it. */
  isOff: boolean;
  /** Whether a recording is followed, and what is wrong with it. */
  recording: { problem: string | undefined } | undefined;
  isUploading: boolean;
}

export class Status implements vscode.Disposable {
  readonly #item = vscode.window.createStatusBarItem("turnledger.today", vscode.StatusBarAlignment.Right, 0);
  #view: View | undefined;
  #shown = "";

  show(view: View): void {
    const shown = JSON.stringify(view);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#view = view;
    this.#item.name = "Turnledger";
    this.#item.command = SHOW;
    this.#item.text = `$(pulse) ${summary(view)}`;
    this.#item.accessibilityInformation = { label: `Codex today: ${summary(view)}` };
    const tooltip = new vscode.MarkdownString(lines(view).join("\n"));
    tooltip.isTrusted = false;
    tooltip.supportHtml = false;
    tooltip.supportThemeIcons = false;
    this.#item.tooltip = tooltip;
    this.#item.show();
  }

  /** The numbers as a list; its last entry opens the log. */
  async pick(log: vscode.LogOutputChannel): Promise<void> {
    const view = this.#view;
    if (view === undefined) return;
    const items: (vscode.QuickPickItem & { isLog?: true })[] = (view.numbers === undefined ? [] : rows(view.numbers)).map(
      ({ name, value, detail }) => ({ label: `${name}: ${value}`, description: detail }),
    );
    items.push({ label: "Show the log", detail: note(view), isLog: true });
    const picked = await vscode.window.showQuickPick(items, { title: `Codex on ${view.day}`, placeHolder: summary(view) });
    if (picked?.isLog) log.show();
  }

  dispose(): void {
    this.#item.dispose();
  }
}

function summary(view: View): string {
  if (view.isOff) return "Turnledger is off";
  if (view.numbers !== undefined) return short(view.numbers);
  return "no Codex session observed today";
}

function lines(view: View): string[] {
  const list = (view.numbers === undefined ? [] : rows(view.numbers)).map(
    ({ name, value, detail }) => `- ${name}: ${value}${detail === "" ? "" : ` (${detail})`}`,
  );
  return [`Codex on ${view.day}`, "", ...list, ...(list.length > 0 ? [""] : []), note(view)];
}

/** Where the numbers come from, and whether anything leaves. */
function note({ isOff, recording, isUploading }: View): string {
  if (isOff) return "You have said no (DO_NOT_TRACK, TURNLEDGER_DISABLED or Global Privacy Control): nothing is observed.";
  const parts = ["A turn counts when it ends, an approval when it is answered."];
  if (recording !== undefined) {
    parts.push(recording.problem === undefined ? "A recording is followed." : `The recording cannot be read: ${recording.problem}.`);
  }
  parts.push(isUploading ? "Events are uploaded." : "Nothing is uploaded.");
  return parts.join(" ");
}
