/** What is shown, as a file. */
import { useRef, useState } from "preact/hooks";

import { type Grouping, type Me, Refused, request } from "../page/api.js";
import { periodOf } from "../page/period.js";
import { place } from "../page/place.js";
import { exportPath } from "../page/query.js";
import { notice, trouble } from "../page/state.js";

export function Exports({ me, by }: { me: Me; by: Grouping | null }) {
  const link = useRef<HTMLAnchorElement>(null);
  const [busy, setBusy] = useState<string | null>(null);
  const download = async (format: "csv" | "jsonl"): Promise<void> => {
    const path = exportPath(place.value, me, format, by);
    const { since, until } = periodOf(place.value, me.time_zone);
    setBusy(format);
    try {
      const file = await (await request(path)).blob();
      const url = URL.createObjectURL(file);
      link.current!.href = url;
      link.current!.download = `turnledger-${since}-${until}${format === "csv" && by !== null ? `-by-${by}` : ""}.${format}`;
      link.current!.click();
      notice.value = "";
      // The browser has taken it up by then.
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    } catch (error) {
      if (error instanceof Refused && error.status === 401) trouble(path, error);
      else notice.value = `Nothing was downloaded. ${(error as Error).message}`;
    } finally {
      setBusy(null);
    }
  };
  return (
    <div class="downloads" role="group" aria-label="Download what is shown">
      <span>Download</span>
      <button
        type="button"
        disabled={busy !== null}
        title="The rows of the table, with every number"
        onClick={() => void download("csv")}
      >
        Numbers (CSV)
      </button>
      {me.may.events && (
        <button
          type="button"
          disabled={busy !== null}
          title="Every event of the period and the filters, one a line"
          onClick={() => void download("jsonl")}
        >
          Events (JSONL)
        </button>
      )}
      <span role="status" class="hint">
        {busy === null ? "" : "Preparing the file…"}
      </span>
      <a ref={link} hidden aria-hidden="true" tabIndex={-1} />
    </div>
  );
}
