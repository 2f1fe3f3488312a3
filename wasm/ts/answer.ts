/** What came of a request, by the numbers that the core knows: a status, or what there is instead. */
import { aborted } from "./time.js";
import type { Batch, Outcome, Sending, Upload, UploadTo } from "./options.js";

const PATH = "/codex/analytics-events/events";

/** Instead of a status; `wasm/src/delivery.rs` has the same. */
const NO_ANSWER = -1;
const UNREACHABLE = -2;
const NO_CREDENTIALS = -3;

/** After an answer's status so much of its body is read, so that the connection can be used again. */
const MOST_READ = 64 << 10;

/** What came of a request. */
export interface Answer {
  status: number;
  /** How long the server wants to be left alone; `NaN` if it did not say. */
  afterMs: number;
  /** What went wrong, for a person. */
  reason: string;
  /** The host's own function said so: no status stands behind it. */
  isOwn?: boolean;
  /** The status of a host's own refusal, for a person. */
  refused?: number;
}

export type Send = (batch: Batch, sending: Sending) => Promise<Answer>;

/** @throws TypeError if the target is not safe. */
export function sender(upload: Upload, isLoopback: (host: string) => boolean): Send {
  return typeof upload === "function" ? caller(upload) : poster(upload, isLoopback);
}

/** Never rejects. A function that fails counts as no answer. */
function caller(upload: Exclude<Upload, UploadTo>): Send {
  return async (batch, sending) => {
    let outcome: Outcome;
    try {
      outcome = await upload(batch, sending);
    } catch (error) {
      return noAnswer(error);
    }
    switch (outcome?.kind) {
      case "delivered":
        return answered(200);
      case "answered":
        if (!Number.isSafeInteger(outcome.status)) break;
        return answered(outcome.status, asked(outcome.afterMs));
      case "try_again": {
        // A status that may pass: only one can come with a time.
        const reason = outcome.reason ?? "it may be tried again";
        return { status: 503, afterMs: asked(outcome.afterMs), reason, isOwn: true };
      }
      case "refused":
        // The host has decided.
        return { status: 400, afterMs: NaN, reason: "", isOwn: true, refused: outcome.status };
    }
    console.error('turnledger: upload: expected { kind: "delivered" | "answered" | "try_again" | "refused" }, got', outcome);
    return { status: NO_ANSWER, afterMs: NaN, reason: "upload gave no outcome" };
  };
}

/** Never rejects. */
function poster(to: UploadTo, isLoopback: (host: string) => boolean): Send {
  const url = endpoint(to.url, isLoopback);
  const timeoutMs = to.timeoutMs ?? 10_000;
  /** Those of the latest request: a page that goes cannot wait for others. */
  let known: Record<string, string> = {};
  return async (batch, { leaving, renew }) => {
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const before = JSON.stringify(known);
      const given = to.headers?.({ renew });
      if (given !== undefined && !("then" in given)) known = given;
      else if (given !== undefined && !leaving) known = await Promise.race([given as Promise<typeof known>, aborted(signal)]);
      if (renew && JSON.stringify(known) === before) return answered(401);
    } catch (error) {
      return { status: NO_CREDENTIALS, afterMs: NaN, reason: message(error) };
    }
    try {
      const response = await (to.fetch ?? fetch)(url, {
        method: "POST",
        headers: { ...known, "Content-Type": "application/json", "Idempotency-Key": batch.id },
        body: batch.body,
        keepalive: leaving,
        // Events and credentials go where the user said, and nowhere else.
        redirect: "manual",
        signal,
      });
      await read(response.body);
      if (response.type === "error") return noAnswer("no answer");
      // A redirection has no status in a browser.
      return answered(response.status, retryAfter(response.headers.get("Retry-After")));
    } catch (error) {
      return noAnswer(error);
    }
  };
}

/** Events and credentials go over TLS, or stay on this machine. */
function endpoint(base: string, isLoopback: (host: string) => boolean): string {
  const url = new URL(base);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.hostname))) {
    throw new TypeError("upload.url: expected https://, or http:// on this machine");
  }
  if (url.username !== "" || url.password !== "") throw new TypeError("upload.url: it holds a user or a password; credentials belong in headers");
  return url.href.replace(/\/+$/, "") + PATH;
}

/** What is not read to its end, or fails, changes no answer. */
async function read(body: ReadableStream<Uint8Array> | null | undefined): Promise<void> {
  const reader = body?.getReader();
  try {
    for (let bytes = 0; bytes <= MOST_READ; ) {
      const piece = await reader?.read();
      if (piece === undefined || piece.done) return;
      bytes += piece.value.length;
    }
    await reader?.cancel();
  } catch {
    // The status has come.
  }
}

function answered(status: number, afterMs = NaN): Answer {
  return { status, afterMs, reason: `status ${status}` };
}

function noAnswer(error: unknown): Answer {
  return { status: isUnreachable(error) ? UNREACHABLE : NO_ANSWER, afterMs: NaN, reason: message(error) };
}

/** Whether nothing can have been sent. Browsers say only that they are offline; Node says what failed. */
function isUnreachable(error: unknown): boolean {
  const code = (error as { cause?: { code?: unknown } } | null)?.cause?.code;
  if (/^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|UND_ERR_CONNECT_TIMEOUT)$/.test(String(code))) return true;
  return "document" in globalThis && navigator.onLine === false;
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function asked(afterMs: unknown): number {
  return typeof afterMs === "number" && afterMs >= 0 ? afterMs : NaN;
}

/** Milliseconds of a `Retry-After`: seconds, or a date as HTTP writes it. */
function retryAfter(value: string | null): number {
  const text = value?.trim() ?? "";
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const isDate = /^[A-Z][a-z]{2,8},? .* \d\d:\d\d:\d\d( \d{4})?( GMT)?$/.test(text);
  const at = isDate ? Date.parse(text.endsWith("GMT") ? text : `${text} GMT`) : NaN;
  return Math.max(0, at - Date.now());
}
