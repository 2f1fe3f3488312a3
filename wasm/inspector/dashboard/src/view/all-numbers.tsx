import type { Row } from "../page/api.js";
import { gapOf, said, valueOf } from "../page/numbers.js";
import { numbers } from "../page/state.js";

/** Every number with its definition. */
export function AllNumbers({ row }: { row: Row }) {
  const shown = [...numbers.value.values()].filter(({ id }) => id in row.numbers);
  return (
    <details class="panel all-numbers">
      <summary>Every number, what it is, and what it leaves out</summary>
      <div class="table-frame" role="region" tabIndex={0} aria-label="Every number, to be scrolled">
        <table class="compact">
          <caption class="visually-hidden">Every number</caption>
          <thead>
            <tr>
              <th scope="col">Number</th>
              <th scope="col" class="number">
                Value
              </th>
              <th scope="col">What it is</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((info) => {
              const gap = gapOf(row, info);
              return (
                <tr key={info.id}>
                  <th scope="row">
                    {info.label}
                    <code class="below note">{info.id}</code>
                  </th>
                  <td class={valueOf(row, info.id) === null ? "number unknown" : "number"}>{said(row, info)}</td>
                  <td>
                    {info.definition}
                    {gap !== "" && (
                      <span class="note below">
                        {gap}. {info.lower_bound ?? ""}
                      </span>
                    )}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </details>
  );
}
