/** When an event was, as far as it says so itself: for files that have events alone. */
import type { TurnledgerEvent } from "turnledger/inline";

/** Unix milliseconds. Times in seconds are taken for their beginning. */
export function timeOf(event: TurnledgerEvent): number | undefined {
  const params = event.event_params as unknown as Record<string, unknown>;
  const number = (name: string): number | undefined => {
    const value = params[name];
    return typeof value === "number" ? value : undefined;
  };
  const milliseconds = number("completed_at_ms") ?? number("occurred_at_ms") ?? number("started_at_ms");
  if (milliseconds !== undefined) return milliseconds;
  const seconds = number("completed_at") ?? number("created_at") ?? number("started_at");
  return seconds === undefined ? undefined : seconds * 1000;
}
