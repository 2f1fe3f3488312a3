import { count } from "../page/format.js";

interface Paging {
  label: string;
  page: number;
  perPage: number;
  total: number;
  go: (page: number) => void;
}

export function Pager({ label, page, perPage, total, go }: Paging) {
  const last = Math.max(0, Math.ceil(total / perPage) - 1);
  if (last === 0) return null;
  const current = Math.min(page, last);
  return (
    <nav class="pager" aria-label={label}>
      <button type="button" disabled={current === 0} onClick={() => go(0)}>
        First
      </button>
      <button type="button" disabled={current === 0} onClick={() => go(current - 1)}>
        Previous
      </button>
      <span>
        {count(current * perPage + 1)}–{count(Math.min(total, (current + 1) * perPage))} of {count(total)}
      </span>
      <button type="button" disabled={current === last} onClick={() => go(current + 1)}>
        Next
      </button>
      <button type="button" disabled={current === last} onClick={() => go(last)}>
        Last
      </button>
    </nav>
  );
}
