/// <reference lib="dom" />
/** A list of lines that stays fast with 100,000 of them: only those that can be seen are in the document. */
import type { Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { count } from "../text/format.ts";
import type { LogBuffer, LogLine, LogSource } from "./buffer.ts";
import { isAtEnd, LINE_HEIGHT, visibleLines } from "./window.ts";

const SOURCES: readonly (readonly [source: LogSource | undefined, word: string])[] = [
  [undefined, "All"],
  ["build", "Build"],
  ["app", "App"],
];

/** @param props `version` changes whenever the buffer does */
export function LogView(
  { buffer, version }: { readonly buffer: LogBuffer; readonly version: Signal<number> },
): JSX.Element {
  const [source, setSource] = useState<LogSource>();
  const [text, setText] = useState("");
  const search = useRef<HTMLInputElement>(null);
  useSearchKey(search);
  const changed = version.value;
  const lines = buffer.matching({ source, text });
  return (
    <section>
      <h2>Output</h2>
      <div class="bar">
        {SOURCES.map(([each, word]) => (
          <button
            key={word}
            type="button"
            aria-pressed={each === source}
            onClick={() => setSource(each)}
          >
            {word}
          </button>
        ))}
        <input
          ref={search}
          type="search"
          aria-label="Lines with this text"
          placeholder="Search ( / )"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <span class="calm-text" role="status">{summary(lines.length, buffer)}</span>
      </div>
      <Lines lines={lines} changed={changed} resets={`${source} ${text}`} />
    </section>
  );
}

function summary(shown: number, { size, dropped }: LogBuffer): string {
  const part = shown === size ? count(size, "line") : `${shown} of ${count(size, "line")}`;
  return dropped === 0 ? part : `${part}; ${count(dropped, "older line")} left out`;
}

/** `/` goes to the search, as in a pager. */
function useSearchKey(search: { readonly current: HTMLInputElement | null }): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target instanceof HTMLInputElement || document.querySelector("dialog[open]") !== null) return;
      event.preventDefault();
      search.current?.focus();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [search]);
}

function Lines(
  { lines, changed, resets }: {
    readonly lines: readonly LogLine[];
    readonly changed: number;
    readonly resets: string;
  },
): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const [scroll, setScroll] = useState({ top: 0, height: 640 });
  const [follows, setFollows] = useState(true);
  const seen = useRef(0);
  useEffect(() => setFollows(true), [resets]);
  useLayoutEffect(() => {
    const { current } = box;
    if (current === null) return;
    if (follows) {
      current.scrollTop = lines.length * LINE_HEIGHT;
      seen.current = lines.length;
    }
    setScroll({ top: current.scrollTop, height: current.clientHeight });
  }, [changed, lines.length, follows, resets]);
  const onScroll = (): void => {
    const { current } = box;
    if (current === null) return;
    const { scrollTop: top, clientHeight: height, scrollHeight } = current;
    setScroll({ top, height });
    const atEnd = isAtEnd(top, height, scrollHeight);
    if (atEnd) seen.current = lines.length;
    setFollows(atEnd);
  };
  const { first, end } = visibleLines(scroll.top, scroll.height, lines.length);
  const unseen = lines.length - seen.current;
  return (
    <>
      <div ref={box} class="log" tabIndex={0} role="region" aria-label="Lines" onScroll={onScroll}>
        <div class="log-space" style={{ height: `${lines.length * LINE_HEIGHT}px` }}>
          {lines.slice(first, end).map((line, index) => (
            <Line key={first + index} line={line} top={(first + index) * LINE_HEIGHT} />
          ))}
        </div>
      </div>
      <p class="bar">
        {follows
          ? <span class="calm-text">New lines are followed.</span>
          : (
            <button type="button" onClick={() => setFollows(true)}>
              {unseen > 0 ? count(unseen, "new line") : "To the end"}
            </button>
          )}
      </p>
    </>
  );
}

function Line({ line, top }: { readonly line: LogLine; readonly top: number }): JSX.Element {
  const kind = line.source === "notice" ? " notice" : line.isError ? " stderr" : "";
  return (
    <div class={`log-line${kind}`} style={{ top: `${top}px` }}>
      <span class="from" title={line.origin}>{line.origin}</span>
      {line.text}
    </div>
  );
}
