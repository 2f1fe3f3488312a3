import { useRef, useState } from "preact/hooks";

import { openPicked } from "../page/collection-state.js";
import { fromInput } from "../page/picking.js";
import { askForLiveFile, openExample, opened } from "../page/recording-state.js";
import { setTheme, theme, type Theme } from "../page/theme.js";
import { PasteDialog } from "./paste-dialog.js";

function open(input: HTMLInputElement): void {
  openPicked(fromInput(input.files ?? []));
  // The same files may be opened again.
  input.value = "";
}

export function Header() {
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const [isPasting, setPasting] = useState(false);
  return (
    <header class="top">
      <h1>
        <span class="brand">Turnledger</span> inspector
      </h1>
      <p class="promise">What a session was, and exactly what would be sent. Nothing leaves this page.</p>
      <div class="actions">
        <button type="button" class="primary" onClick={() => files.current?.click()}>
          Open files…
        </button>
        <input
          ref={files}
          type="file"
          multiple
          class="hidden"
          aria-label="Files"
          tabIndex={-1}
          onChange={({ currentTarget }) => open(currentTarget)}
        />
        <button type="button" onClick={() => folder.current?.click()}>
          Open a folder…
        </button>
        <input
          ref={folder}
          type="file"
          multiple
          // The name that every browser knows.
          {...{ webkitdirectory: true }}
          class="hidden"
          aria-label="Folder"
          tabIndex={-1}
          onChange={({ currentTarget }) => open(currentTarget)}
        />
        <button type="button" onClick={() => setPasting(true)}>
          Paste traffic…
        </button>
        <button type="button" onClick={() => void askForLiveFile()}>
          Follow a live file…
        </button>
        {opened.value?.isExample !== true && (
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
