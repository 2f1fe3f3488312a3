/** What a number is, on demand. */
import { useId, useRef, useState } from "preact/hooks";

import type { NumberInfo, Row } from "../page/api.js";
import { gapOf } from "../page/numbers.js";

interface Explained {
  /** The numbers that are explained, the first one with its name above. */
  infos: NumberInfo[];
  name: string;
  /** Whose gaps are told. */
  row?: Row | undefined;
}

const MARGIN = 8;

export function Help({ infos, name, row }: Explained) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const [isOpen, setOpen] = useState(false);
  const toggled = ({ newState }: { newState: string }): void => {
    const opened = newState === "open";
    setOpen(opened);
    if (!opened) return;
    const { left, bottom } = button.current!.getBoundingClientRect();
    const { style, offsetWidth } = box.current!;
    style.left = `${Math.max(MARGIN, Math.min(left, innerWidth - offsetWidth - MARGIN))}px`;
    style.top = `${bottom + 4}px`;
    // With its text in it, it may reach beyond the window.
    requestAnimationFrame(() => {
      const over = box.current!.getBoundingClientRect().bottom + MARGIN - innerHeight;
      if (over > 0) style.top = `${Math.max(MARGIN, bottom + 4 - over)}px`;
    });
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class="help"
        popovertarget={id}
        aria-expanded={isOpen}
        aria-label={`What “${name}” is`}
      >
        ?
      </button>
      <div ref={box} id={id} popover="auto" class="help-text" role="note" aria-label={name} onToggle={toggled}>
        {isOpen &&
          infos.map((info) => {
            const gap = row === undefined ? "" : gapOf(row, info);
            return (
              <div key={info.id}>
                <h3>
                  {info.label} <code>{info.id}</code>
                </h3>
                <p>{info.definition}</p>
                {gap !== "" && (
                  <p class="lacks">
                    {gap}. {info.lower_bound ?? ""}
                  </p>
                )}
              </div>
            );
          })}
      </div>
    </>
  );
}
