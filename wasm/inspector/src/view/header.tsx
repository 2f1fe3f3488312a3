import { useRef, useState } from "preact/hooks";

import { ThemeChoice } from "../../shared/view/theme-choice.js";
import { openPicked } from "../page/collection-state.js";
import { fromInput } from "../page/picking.js";
import { askForLiveFile, openExample, opened } from "../page/recording-state.js";
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
        <ThemeChoice />
      </div>
      {isPasting && <PasteDialog close={() => setPasting(false)} />}
    </header>
  );
}
