export interface Tile {
  name: string;
  /** What explains the number. */
  help?: preact.ComponentChildren;
  value: string;
  /** Whether the value is not known. */
  isUnknown?: boolean;
  note: string;
  /** What is known to be missing from the value. */
  missing?: string;
}

export function Tiles({ tiles }: { tiles: Tile[] }) {
  return (
    <section aria-labelledby="tiles-title">
      <h2 id="tiles-title" class="visually-hidden">
        In short
      </h2>
      <dl class="tiles">
        {tiles.map(({ name, help, value, isUnknown = false, note, missing: lacks }) => (
          <div class="tile" key={name}>
            <dt>
              {name} {help}
            </dt>
            <dd>
              <span class={isUnknown ? "value unknown" : "value"}>{value}</span>
              <span class="note">{note}</span>
              {lacks !== undefined && lacks !== "" && <span class="note lacks">{lacks}</span>}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
