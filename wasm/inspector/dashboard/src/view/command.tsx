/** A text to copy: a command, or a secret. */
import { useState } from "preact/hooks";

interface Copied {
  text: string;
  /** What the button copies. */
  name?: string;
}

export function Command({ text, name = "the command" }: Copied) {
  const [said, setSaid] = useState("");
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid("Copied");
    } catch {
      setSaid("This browser does not let the page copy: select the text.");
    }
    setTimeout(() => setSaid(""), 4000);
  };
  return (
    <div class="copyable">
      {/* Scrolls by itself, so that it must be reachable by keys. */}
      <pre tabIndex={0} aria-label={name}>
        <code>{text}</code>
      </pre>
      <button type="button" aria-label={`Copy ${name}`} onClick={() => void copy()}>
        Copy
      </button>
      <span role="status" class="hint">
        {said}
      </span>
    </div>
  );
}
