import { render } from "preact";

import "../../shared/style/palette.css";
import "../../shared/style/base.css";
import "../../shared/style/page.css";
import "../../shared/style/session.css";
import "../../shared/style/events.css";
import "../../shared/style/event.css";
import "./style/frame.css";
import "./style/numbers.css";
import "./style/access.css";
import "./style/media.css";
import { begin } from "./page/state.js";
import { App } from "./view/app.js";

render(<App />, document.getElementById("app")!);
void begin();
