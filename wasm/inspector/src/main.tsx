import { render } from "preact";

import "./style/palette.css";
import "./style/base.css";
import "./style/page.css";
import "./style/session.css";
import "./style/events.css";
import "./style/event.css";
import { begin } from "./page/recording-state.js";
import { App } from "./view/app.js";

render(<App />, document.getElementById("app")!);
void begin();
