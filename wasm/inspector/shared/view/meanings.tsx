/** What each member of an event means, as the schema has it. */
import MEANINGS from "../../../ts/generated/meanings.json";
import type { EventType } from "../reader/kinds.js";

export function Meanings({ type }: { type: EventType }) {
  return (
    <details class="meanings">
      <summary>What each member means</summary>
      <dl>
        {Object.entries(MEANINGS[type]).map(([name, meaning]) => (
          <div key={name}>
            <dt>
              <code>{name}</code>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
