/** An idempotency key: two sessions may have equal bodies, so it is not made of one. */
export function key(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
