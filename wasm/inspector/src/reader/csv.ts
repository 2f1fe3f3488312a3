/** Events as a table: a column for every member, named by its path; what is no single value is JSON. */

type Cells = Map<string, unknown>;

/** Read twice: the rows of a long session are too many to be held. */
export function* csv(events: string[]): Generator<string> {
  const columns = new Set<string>();
  for (const event of events) for (const column of cellsOf(event).keys()) columns.add(column);
  yield line([...columns]);
  for (const event of events) {
    const row = cellsOf(event);
    yield line([...columns].map((column) => row.get(column)));
  }
}

const cellsOf = (event: string): Cells => cells(JSON.parse(event) as object, "", new Map());

function cells(value: object, prefix: string, found: Cells): Cells {
  for (const [name, member] of Object.entries(value)) {
    // Members of the parameters need no prefix, but for the one that is called like the event's own.
    const path = prefix === "event_params." && name !== "event_type" ? name : prefix + name;
    if (typeof member === "object" && member !== null && !Array.isArray(member))
      cells(member as object, `${path}.`, found);
    else found.set(path, member);
  }
  return found;
}

function line(values: unknown[]): string {
  return `${values.map(cell).join(",")}\r\n`;
}

/**
 * Null is empty, and an empty text is `""`. A text that a spreadsheet would take for a formula gets an apostrophe in
 * front; numbers stay numbers.
 */
export function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  let text = typeof value === "string" ? value : JSON.stringify(value);
  if (/^[=+\-@\t\r\n]/.test(text)) text = `'${text}`;
  return text === "" || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
