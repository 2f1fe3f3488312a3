/** The worker's side: a ledger that is told by messages. */
import { checkOptions } from "./check.js";
import type { Asked, Channel, FromWorker, StartOptions, ToWorker } from "./channel.js";
import type { Ledger } from "./ledger.js";
import type { LedgerOptions } from "./options.js";

/**
 * Serves a ledger to the page that started this worker. `options` are those that a page cannot hand over: functions, and
 * what has some (`beforeSend`, `digest`, `storage`, `upload` with credentials); they win over the page's.
 */
export function serveLedger(
  createLedger: (options?: LedgerOptions) => Promise<Ledger>,
  options: LedgerOptions = {},
  channel: Channel = globalThis as unknown as Channel,
): void {
  checkOptions(options);
  let ledger: Ledger | undefined;
  const listening = new Map<string, () => void>();
  const post = (message: FromWorker): void => channel.postMessage(message);

  async function start(fromPage: StartOptions): Promise<boolean> {
    ledger = await createLedger({
      ...fromPage,
      onQuestion: (question) => post({ question }),
      ...options,
      onDiscard: (discard) => {
        options.onDiscard?.(discard);
        post({ discard });
      },
      onTrouble: (trouble) => {
        options.onTrouble?.(trouble);
        post({ trouble });
      },
    });
    return ledger.isEnabled;
  }

  function want(name: "event" | "batch", isWanted: boolean): void {
    listening.get(name)?.();
    listening.delete(name);
    if (!isWanted || ledger === undefined) return;
    const stop =
      name === "event"
        ? ledger.on("event", (_, json) => post({ event: json }))
        : ledger.on("batch", (batch) => post({ batch }));
    listening.set(name, stop);
  }

  async function answer(message: Asked & { id: number }): Promise<FromWorker> {
    if (message.ask === "start") return { id: message.id, answer: await start(message.options) };
    if (ledger === undefined) throw new Error("the ledger has not been started");
    if (message.ask === "ingest") {
      ledger.ingest(message.fact, message.at);
      return { id: message.id, answer: undefined };
    }
    if (message.ask === "readRollout") {
      return { id: message.id, answer: await ledger.readRollout(message.source, message.options) };
    }
    return { id: message.id, answer: await (message.ask === "close" ? ledger.close(message.at) : ledger[message.ask]()) };
  }

  function take(message: ToWorker): void {
    if ("ask" in message) {
      answer(message).then(post, (error: unknown) => {
        const text = error instanceof Error ? error.message : String(error);
        post({ id: message.id, error: { isTypeError: error instanceof TypeError, message: text } });
      });
    } else if (message.tell === "observe") {
      const { connectionId, direction, message: text, at } = message;
      ledger?.observe(connectionId, direction, text, at);
    } else if (message.tell === "wanted") {
      want(message.name, message.isWanted);
    } else {
      ledger?.[message.tell]();
    }
  }

  channel.addEventListener("message", ({ data }) => {
    for (const message of data as ToWorker[]) take(message);
  });
  channel.start?.();
}
