/** The time line of the open session. */
import { useState } from "preact/hooks";

import { TimelinePanel } from "../../shared/view/timeline-panel.js";
import { refine, view } from "../page/view-state.js";
import { eventLinks } from "./event-links.js";
import { useAnswer } from "./use-answer.js";

export function SessionTimeline() {
  const { from, to, thread } = view.value;
  const [width, setWidth] = useState(1000);
  const shown = useAnswer((client) => client.ask("timeline", { from, to, width, thread }), [from, to, width, thread]);
  const facets = useAnswer((client) => client.ask("facets"), []);
  return (
    <TimelinePanel
      view={shown}
      part={{ from, to, thread }}
      threads={facets?.threads ?? []}
      change={(part) => refine(part.thread === undefined ? part : { ...part, page: 0 })}
      events={eventLinks}
      measured={setWidth}
    />
  );
}
