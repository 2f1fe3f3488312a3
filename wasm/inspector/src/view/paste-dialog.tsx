import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Direction } from "turnledger/inline";

import { counted } from "../../shared/page/format.js";
import { type Pasted, recordingOf } from "../page/bare.js";
import { openBlob } from "../page/recording-state.js";

type WhenUnknown = Direction | "leave_out";

export function PasteDialog({ close }: { close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState("");
  const [whenUnknown, setWhenUnknown] = useState<WhenUnknown>("server_to_client");
  const [now] = useState(() => Date.now());
  const pasted = useMemo(() => recordingOf(text, whenUnknown, now), [text, whenUnknown, now]);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-labelledby="paste-title" onClose={close}>
      <form method="dialog" onSubmit={() => openBlob(new Blob([pasted.text]), "Pasted traffic")}>
        <h2 id="paste-title">Paste traffic</h2>
        <label class="stacked">
          <span>Lines of a recording, a rollout or events, or bare JSON-RPC messages, one a line</span>
          <textarea
            rows={12}
            spellcheck={false}
            value={text}
            onInput={({ currentTarget }) => setText(currentTarget.value)}
          />
        </label>
        <p class="hint" role="status">
          {describe(pasted)}
        </p>
        {pasted.unknown > 0 && (
          <fieldset>
            <legend>
              Who sent {counted(pasted.unknown, "answer")} whose request is not there, or not the only one?
            </legend>
            {CHOICES.map(([value, label]) => (
              <label key={value} class="choice">
                <input
                  type="radio"
                  name="unknown"
                  checked={whenUnknown === value}
                  onChange={() => setWhenUnknown(value)}
                />
                {label}
              </label>
            ))}
          </fieldset>
        )}
        <div class="dialog-actions">
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={pasted.text === ""}>
            Show the session
          </button>
        </div>
      </form>
    </dialog>
  );
}

const CHOICES: [WhenUnknown, string][] = [
  ["server_to_client", "The server"],
  ["client_to_server", "The client"],
  ["leave_out", "Leave them out"],
];

function describe({ kind, recorded, byMethod, byRequest, unknown, unreadable }: Pasted): string {
  if (kind === "rollout") return `${counted(recorded, "line")} of a rollout.`;
  if (kind === "events") return `${counted(recorded, "line")} of events.`;
  const bare = byMethod + byRequest + unknown;
  const parts: string[] = [];
  if (recorded > 0) parts.push(`${counted(recorded, "recorded line")}.`);
  if (bare > 0) {
    parts.push(
      `${counted(bare, "bare message")}: who sent it is known by its method for ${byMethod}, ` +
        `by its request for ${byRequest}, and not known for ${unknown}.`,
      "Bare messages say no time: each is taken to be a millisecond after the one before, on one connection.",
    );
  }
  if (unreadable > 0) parts.push(`${counted(unreadable, "line")} cannot be read.`);
  return parts.length === 0 ? "Nothing is pasted yet." : parts.join(" ");
}
