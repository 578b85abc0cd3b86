/// <reference lib="dom" />
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { Command } from "./parts.tsx";

/** A question before an act: what happens, the same as a command, and one button. Escape closes it. */
export function ConfirmDialog(
  { title, act, command, children, onAct, onClose }: {
    readonly title: string;
    /** The text of the button that acts. Absent: there is nothing to act on. */
    readonly act?: string | undefined;
    readonly command: string;
    readonly children: ComponentChildren;
    readonly onAct: () => void;
    readonly onClose: () => void;
  },
): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      <h2 id={id}>{title}</h2>
      {children}
      <p class="calm-text">The same in a terminal:</p>
      <Command text={command} />
      <p class="buttons">
        <button type="button" onClick={onClose}>Close</button>
        {act === undefined ? null : <button type="button" class="act" onClick={onAct}>{act}</button>}
      </p>
    </dialog>
  );
}
