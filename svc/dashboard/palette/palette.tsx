/// <reference lib="dom" />
/** Ctrl-K: a list of everything that can be gone to or done, by its words. */
import type { JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Api } from "../api/clients.ts";
import { type Problem, problemOf } from "../api/problem.ts";
import { count } from "../text/format.ts";
import { Command, ProblemNote } from "../ui/parts.tsx";
import { matching, PAGES } from "./entries.ts";
import type { Entry } from "./entry.ts";
import { readEntries } from "./read.ts";

/** The button of the palette, which Ctrl-K presses. */
export function Palette(
  { api, go }: { readonly api: Api; readonly go: (path: string) => void },
): JSX.Element {
  const [isOpen, setIsOpen] = useState(false);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
      event.preventDefault();
      // A dialog that is open asks something first.
      if (document.querySelector("dialog[open]") === null) setIsOpen(true);
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  return (
    <>
      <button type="button" aria-haspopup="dialog" onClick={() => setIsOpen(true)}>
        Go to <kbd>Ctrl K</kbd>
      </button>
      {isOpen ? <PaletteDialog api={api} go={go} onClose={() => setIsOpen(false)} /> : null}
    </>
  );
}

function PaletteDialog(
  { api, go, onClose }: {
    readonly api: Api;
    readonly go: (path: string) => void;
    readonly onClose: () => void;
  },
): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const [read, setRead] = useState<readonly Entry[]>([]);
  const [problem, setProblem] = useState<Problem>();
  useEffect(() => {
    dialog.current?.showModal();
    const stop = new AbortController();
    readEntries(api, stop.signal).then(setRead, (error: unknown) => {
      if (!stop.signal.aborted) setProblem(problemOf(error, "Environments and deployments cannot be read."));
    });
    return () => stop.abort();
  }, [api]);
  const [acts] = useState(api.pageActs.value);
  const choose = ({ does }: Entry): void => {
    dialog.current?.close();
    if (does.kind === "go") go(does.path);
    else does.run();
  };
  return (
    <dialog ref={dialog} class="palette" aria-label="Go to" onClose={onClose}>
      <PaletteList entries={[...acts, ...PAGES, ...read]} onChoose={choose} />
      {problem === undefined ? null : <ProblemNote problem={problem} />}
    </dialog>
  );
}

const WORDS = { act: "act", page: "page", environment: "environment", deployment: "deployment" } as const;

/** A field whose arrow keys go through the entries (the combobox of the ARIA practices, with a list). */
export function PaletteList(
  { entries, onChoose }: { readonly entries: readonly Entry[]; readonly onChoose: (entry: Entry) => void },
): JSX.Element {
  const id = useId();
  const list = useRef<HTMLUListElement>(null);
  const [text, setText] = useState("");
  const [wanted, setWanted] = useState(0);
  const found = matching(entries, text);
  const at = Math.min(wanted, Math.max(0, found.length - 1));
  const chosen = found[at];
  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [at, found.length]);
  const onKey = (event: KeyboardEvent): void => {
    const next = nextPlace(event.key, at, found.length);
    if (next !== undefined) {
      event.preventDefault();
      setWanted(next);
    } else if (event.key === "Enter" && chosen !== undefined) {
      event.preventDefault();
      onChoose(chosen);
    }
  };
  return (
    <>
      <input
        type="text"
        role="combobox"
        aria-label="Page, environment, deployment or act"
        aria-expanded="true"
        aria-controls={`${id}list`}
        aria-autocomplete="list"
        aria-activedescendant={chosen === undefined ? undefined : `${id}${at}`}
        autocomplete="off"
        spellcheck={false}
        placeholder="Page, environment, deployment or act"
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setWanted(0);
        }}
        onKeyDown={onKey}
      />
      <ul ref={list} id={`${id}list`} role="listbox" aria-label="Entries">
        {found.map((entry, index) => (
          <li
            key={`${entry.kind} ${entry.title} ${index}`}
            id={`${id}${index}`}
            role="option"
            aria-selected={index === at}
            onClick={() => onChoose(entry)}
          >
            <span>{entry.title}</span> <small>{WORDS[entry.kind]}</small>
          </li>
        ))}
      </ul>
      <p class="unseen" role="status">{count(found.length, "entry", "entries")}</p>
      {chosen === undefined
        ? <p class="calm-text">Nothing has these words.</p>
        : <Command key={chosen.command} text={chosen.command} />}
    </>
  );
}

/** The entry that a key leads to; `undefined`: it is no such key. */
export function nextPlace(key: string, at: number, length: number): number | undefined {
  if (length === 0) return undefined;
  switch (key) {
    case "ArrowDown":
      return (at + 1) % length;
    case "ArrowUp":
      return (at + length - 1) % length;
    case "PageDown":
      return Math.min(length - 1, at + 10);
    case "PageUp":
      return Math.max(0, at - 10);
    default:
      return undefined;
  }
}
