/** What waits to be sent. */
/** A request body that is ready to be sent. */
export interface Batch {
  /** The `Idempotency-Key`: the same however often this request is sent. */
  id: string;
  /** How many events the body has. */
  events: number;
  /** `{"events":[…]}` */
  body: string;
}
