import { ThemeChoice } from "../../../shared/view/theme-choice.js";
import type { Me } from "../page/api.js";
import { go, linkTo, place, type ViewName } from "../page/place.js";
import { signOut } from "../page/state.js";

export function Top({ me }: { me: Me }) {
  return (
    <header class="top dashboard-top">
      <h1>
        <span class="brand">Turnledger</span>
      </h1>
      <nav class="rooms" aria-label="Views">
        <Room view="overview" name="Overview" />
        {me.may.events && <Room view="sessions" name="Sessions" />}
        {me.may.tokens && <Room view="access" name="Access" />}
      </nav>
      <div class="actions">
        <span class="who" title={`Signed in as ${me.name}, ${me.role}`}>
          {me.name} <span class="badge">{me.role}</span>
        </span>
        <ThemeChoice />
        <button type="button" onClick={() => void signOut()}>
          Sign out
        </button>
      </div>
    </header>
  );
}

function Room({ view, name }: { view: ViewName; name: string }) {
  const shown = place.value.view;
  const isCurrent = shown === view || (shown === "session" && view === "sessions");
  return (
    <a
      href={linkTo({ view, after: "" })}
      aria-current={isCurrent ? "page" : undefined}
      onClick={(click) => {
        if (click.metaKey || click.ctrlKey || click.shiftKey) return;
        click.preventDefault();
        go({ view, after: "" });
      }}
    >
      {name}
    </a>
  );
}
