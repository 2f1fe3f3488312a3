/** Whether events leave, and where they go: nowhere unless the user has named a server, and has not said no to telemetry. */
import * as vscode from "vscode";
import type { Ledger, UploadTo } from "turnledger/inline";

const configured = (): string => vscode.workspace.getConfiguration("turnledger").get<string>("upload.url", "").trim();

/** How long it takes to look again whether nothing waits any more. */
const AGAIN_MS = 10_000;

export class Uploads {
  /** A ledger has one server for its life. */
  readonly #url = configured();
  readonly #log: vscode.LogOutputChannel;
  #isOpen: boolean;
  #said: string | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(log: vscode.LogOutputChannel) {
    this.#log = log;
    this.#isOpen = this.#isAllowed();
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** For the ledger: `headers`, too, if your server wants credentials. */
  get target(): UploadTo | undefined {
    return this.#url === "" ? undefined : { url: this.#url, fetch: (input, init) => this.#fetch(input, init) };
  }

  /** After a change of what it depends on. A no counts at once; a yes, for what is observed from then on. */
  async update(ledger: Ledger): Promise<void> {
    if (!this.#isAllowed()) {
      this.#isOpen = false;
    } else if (!this.#isOpen) {
      // What waits was observed under the no: it goes where closed uploads go. That takes longer if the server has asked
      // for time before.
      const { waiting } = await ledger.flush();
      this.#isOpen = waiting === 0 && this.#isAllowed();
      clearTimeout(this.#again);
      if (waiting > 0) this.#again = setTimeout(() => void this.update(ledger), AGAIN_MS);
    }
  }

  /** Whether the setting is no longer what the ledger was made with. */
  get needsRestart(): boolean {
    return configured() !== "" && configured() !== this.#url;
  }

  #isAllowed(): boolean {
    return this.#url !== "" && this.#url === configured() && vscode.env.isTelemetryEnabled && vscode.workspace.isTrusted;
  }

  /** What must not leave is refused here, so that the ledger drops it instead of trying again. */
  async #fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    if (!this.#isOpen || !this.#isAllowed()) return new Response(null, { status: 451 });
    try {
      const response = await fetch(input, init);
      this.#say(response.ok ? undefined : `the server answered with status ${response.status}`);
      return response;
    } catch (error) {
      this.#say("the server cannot be reached");
      throw error;
    }
  }

  #say(problem: string | undefined): void {
    if (problem === this.#said) return;
    this.#said = problem;
    if (problem === undefined) this.#log.info("upload: it works again");
    else this.#log.error(`upload: ${problem}`);
  }
}
