/** JSON for people: indented, its names and values told apart; every character of every value as it was written. */
import { useMemo, useState } from "preact/hooks";

import { size } from "../page/format.js";

/** What is longer is shown in part at first. */
const MOST_SHOWN = 60_000;
/** Texts may have millions of characters: no alternative within the loop over them. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

interface Shown {
  text: string;
  label: string;
  /** Whether a null may be what a rollout does not say. */
  isFromFile?: boolean;
}

export function JsonText({ text, label, isFromFile = false }: Shown) {
  const [isWhole, setWhole] = useState(false);
  const shown = useMemo(() => indented(text, isWhole ? Infinity : MOST_SHOWN), [text, isWhole]);
  return (
    <div class={isFromFile ? "json is-from-file" : "json"}>
      {/* Scrolls by itself, so that it must be reachable by keys. */}
      <pre tabIndex={0} aria-label={label}>
        <code>{shown.tokens}</code>
      </pre>
      {!shown.isWhole && (
        <button type="button" onClick={() => setWhole(true)}>
          Show all of it ({size(text.length)})
        </button>
      )}
    </div>
  );
}

function indented(text: string, most: number) {
  const tokens: preact.ComponentChild[] = [];
  let plain = "";
  let depth = 0;
  let written = 0;
  let isWhole = true;
  let before = "";
  const line = (): void => void (plain += `\n${"  ".repeat(depth)}`);
  const mark = (kind: string, token: string): void => {
    tokens.push(plain, <span class={kind}>{token}</span>);
    plain = "";
  };
  for (const match of text.matchAll(TOKENS)) {
    const [token] = match;
    if ((written += token.length) > most) {
      isWhole = false;
      // A long text is cut where the room ends.
      plain += `${token.slice(0, Math.max(0, most - written + token.length))}…`;
      break;
    }
    if (token === "}" || token === "]") {
      depth--;
      if (before !== "{" && before !== "[") line();
      plain += token;
    } else {
      if (before === "{" || before === "[" || before === ",") line();
      if (token === "{" || token === "[") {
        depth++;
        plain += token;
      } else if (token === ":") plain += ": ";
      else if (token === ",") plain += token;
      else if (token.startsWith('"')) {
        const isName = /^\s*:/.test(text.slice(match.index + token.length, match.index + token.length + 8));
        mark(isName ? "name" : "text", token);
      } else mark(token === "null" ? "null" : "value", token);
    }
    before = token;
  }
  tokens.push(plain);
  return { tokens, isWhole };
}
