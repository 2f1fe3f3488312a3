import type { EventLinks } from "../../shared/view/event-list.js";
import { go, linkTo } from "../page/view-state.js";

/** Where the open session's events are looked at. */
export const eventLinks: EventLinks = {
  link: (event) => linkTo({ view: "events", event }),
  go: (event) => go({ view: "events", event }),
};
