import { useRef, useState } from "preact/hooks";

import { askForLiveFile, openBlob, openExample, opened } from "../page/recording-state.js";
import { setTheme, theme, type Theme } from "../page/theme.js";
import { PasteDialog } from "./paste-dialog.js";

export function Header() {
  const picker = useRef<HTMLInputElement>(null);
  const [isPasting, setPasting] = useState(false);
  return (
    <header class="top">
      <h1>
        <span class="brand">Turnledger</span> inspector
      </h1>
      <p class="promise">What a session was, and exactly what would be sent. Nothing leaves this page.</p>
      <div class="actions">
        <button type="button" class="primary" onClick={() => picker.current?.click()}>
          Open a recording…
        </button>
        <input
          ref={picker}
          type="file"
          class="hidden"
          aria-label="Recording"
          tabIndex={-1}
          onChange={({ currentTarget }) => {
            const [file] = currentTarget.files ?? [];
            if (file !== undefined) openBlob(file, file.name);
            // The same file may be opened again.
            currentTarget.value = "";
          }}
        />
        <button type="button" onClick={() => setPasting(true)}>
          Paste traffic…
        </button>
        <button type="button" onClick={() => void askForLiveFile()}>
          Follow a live file…
        </button>
        {opened.value !== null && !opened.value.isExample && (
          <button type="button" onClick={openExample}>
            Example
          </button>
        )}
        <label class="theme">
          <span>Theme</span>
          <select value={theme.value} onChange={({ currentTarget }) => setTheme(currentTarget.value as Theme)}>
            <option value="auto">Auto</option>
            <option value="light">Light</option>
            <option value="dark">Dark</option>
          </select>
        </label>
      </div>
      {isPasting && <PasteDialog close={() => setPasting(false)} />}
    </header>
  );
}
