export interface Tile {
  name: string;
  value: string;
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
        {tiles.map(({ name, value, note, missing: lacks }) => (
          <div class="tile" key={name}>
            <dt>{name}</dt>
            <dd>
              <span class="value">{value}</span>
              <span class="note">{note}</span>
              {lacks !== undefined && lacks !== "" && <span class="note lacks">{lacks}</span>}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
