/** The ledger of the sessions that other extensions observe. */
import type { LogOutputChannel, Memento } from "vscode";
import { createLedger, type Ledger, type LedgerOptions } from "turnledger/inline";

import type { TurnledgerApi } from "./api.js";
import { Tally } from "./numbers.js";
import type { Today } from "./today.js";

const SOURCE = "source";
const SNAPSHOT = "snapshot";
/** VS Code holds such state in memory, and all of an extension's in one piece. */
const MOST_SNAPSHOT = 1 << 20;

export class Live implements TurnledgerApi {
  readonly ledger: Ledger;
  readonly #state: Memento;
  readonly #log: LogOutputChannel;
  #hasChanged = false;

  private constructor(ledger: Ledger, tally: Tally, state: Memento, log: LogOutputChannel, onCount: () => void) {
    this.ledger = ledger;
    this.#state = state;
    this.#log = log;
    ledger.on("event", (event) => {
      tally.count(event, Date.now());
      onCount();
    });
  }

  /** `state` is the workspace's: a turn that runs belongs to one window, and its ledger's state must not be another's. */
  static async start(state: Memento, today: Today, upload: LedgerOptions["upload"], log: LogOutputChannel, onCount: () => void): Promise<Live> {
    let source = state.get<string>(SOURCE);
    if (source === undefined) await state.update(SOURCE, (source = `window ${crypto.randomUUID()}`));
    const tally = today.saved(source) ?? new Tally();
    today.set(source, tally);
    const snapshot = state.get<string>(SNAPSHOT);
    const ledger = await create({ ...(snapshot && { snapshot }), ...(upload && { upload }) }, log);
    return new Live(ledger, tally, state, log, onCount);
  }

  observe: TurnledgerApi["observe"] = (connectionId, direction, message) => {
    try {
      this.ledger.observe(connectionId, direction, message);
      this.#hasChanged = true;
    } catch (error) {
      this.#log.error(`observe: ${error instanceof Error ? error.message : String(error)}`);
    }
  };

  /** Running turns go on after a restart of the window. */
  async save(): Promise<void> {
    if (!this.#hasChanged) return;
    this.#hasChanged = false;
    const snapshot = this.ledger.snapshot();
    const isKept = snapshot.length <= MOST_SNAPSHOT;
    if (!isKept) this.#log.warn("the state of the running turns is too large to be kept over a restart of the window");
    await this.#state.update(SNAPSHOT, isKept ? snapshot : undefined);
  }
}

/** Without what is wrong with the options, rather than not at all. */
async function create(options: LedgerOptions, log: LogOutputChannel): Promise<Ledger> {
  try {
    return await createLedger(options);
  } catch (error) {
    const { snapshot, upload } = options;
    if (snapshot === undefined && upload === undefined) throw error;
    log.error(error instanceof Error ? error.message : String(error));
    // A server that is none is a TypeError, a snapshot of another version an ordinary one.
    const isUpload = upload !== undefined && (error instanceof TypeError || snapshot === undefined);
    return create(isUpload ? { ...(snapshot && { snapshot }) } : { ...(upload && { upload }) }, log);
  }
}
