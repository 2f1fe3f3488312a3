import { SessionTiles } from "../../shared/view/session-tiles.js";
import { TotalsPanels } from "../../shared/view/totals-panels.js";
import { SessionTimeline } from "./session-timeline.js";
import { useAnswer } from "./use-answer.js";

export function SessionView() {
  const totals = useAnswer((client) => client.ask("totals"), []);
  return (
    <>
      {totals !== undefined && <SessionTiles totals={totals} />}
      <SessionTimeline />
      {totals !== undefined && <TotalsPanels totals={totals} />}
    </>
  );
}
