/// <reference lib="dom" />
/** A list of lines that stays fast with 100,000 of them: only those that can be seen are in the document. */
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { clockTime, count } from "../text/format.ts";
import type { LogLine } from "./buffer.ts";
import { isLinked, linkOf, parseLink } from "./link.ts";
import { isAtEnd, LINE_HEIGHT, placeInView, visibleLines } from "./window.ts";

export interface LineListProps {
  readonly lines: readonly LogLine[];
  /** Another value after each change of the lines. */
  readonly changed: number;
  /** Counts lines that went from the begin of the list, less those that came there: a reader keeps their place. */
  readonly offset: number;
  /** Another text for another list. */
  readonly resets: string;
  /** The link of the selected line; empty: none. */
  readonly selected: string;
  readonly onSelect: (line: LogLine | undefined) => void;
  /** The address that a line's own link leads to. */
  readonly hrefOf: (link: string) => string;
}

/** Follows its end until a reader scrolls up or selects a line. `j` and `k` select the next line and the one before. */
export function LineList(props: LineListProps): JSX.Element {
  const { lines, selected, onSelect, hrefOf } = props;
  const { box, scroll, follows, unseen, onScroll, toEnd, show } = useScroll(props);
  const link = parseLink(selected);
  // The end is where the list will be scrolled to: else each change would be drawn twice.
  const top = follows ? Math.max(0, lines.length * LINE_HEIGHT - scroll.height) : scroll.top;
  const onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && selected !== "") return onSelect(undefined);
    const step = event.key === "j" ? 1 : event.key === "k" ? -1 : 0;
    if (step === 0 || lines.length === 0) return;
    event.preventDefault();
    const at = link === undefined ? -1 : lines.findIndex((line) => isLinked(line, link));
    const last = Math.floor((top + scroll.height) / LINE_HEIGHT) - 1;
    const next = Math.max(0, Math.min(lines.length - 1, at === -1 ? last : at + step));
    const line = lines[next];
    if (line === undefined) return;
    onSelect(line);
    show(next);
  };
  const { first, end } = visibleLines(top, scroll.height, lines.length);
  const keys = useKeys(first - props.offset, end - props.offset);
  return (
    <>
      <div
        ref={box}
        class="log"
        tabIndex={0}
        role="region"
        aria-label="Lines"
        onScroll={onScroll}
        onKeyDown={onKey}
      >
        <div class="log-space" style={{ height: `${lines.length * LINE_HEIGHT}px` }}>
          {lines.slice(first, end).map((line, index) => (
            <Line
              key={keys + index}
              line={line}
              top={(first + index) * LINE_HEIGHT}
              isSelected={link !== undefined && isLinked(line, link)}
              hrefOf={hrefOf}
              onSelect={onSelect}
            />
          ))}
        </div>
      </div>
      <p class="bar">
        {follows
          ? <span class="calm-text">The end is shown. In the lines, j and k select one.</span>
          : (
            <button type="button" onClick={toEnd}>
              {unseen > 0 ? count(unseen, "new line") : "To the end"}
            </button>
          )}
      </p>
    </>
  );
}

/**
 * The key of the first line. A line keeps its element, and so the reader's selection, while the window moves over it; a window
 * that shares no line with the former one takes its elements, since making them costs most of a frame.
 */
function useKeys(first: number, end: number): number {
  const former = useRef({ first, end, shift: 0 });
  const { current } = former;
  const isShared = first < current.end && end > current.first;
  const shift = isShared ? current.shift : current.shift + current.first - first;
  former.current = { first, end, shift };
  return first + shift;
}

/** Where the list is scrolled to. */
function useScroll({ lines, changed, offset, resets, selected }: LineListProps) {
  const box = useRef<HTMLDivElement>(null);
  const [scroll, setPlace] = useState({ top: 0, height: 640 });
  const [follows, setFollows] = useState(selected === "");
  /** A place that is the same, or that follows from the number of lines, is not drawn again. */
  const setScroll = (next: typeof scroll, isEnd: boolean): void =>
    setPlace((now) => now.height === next.height && (isEnd || now.top === next.top) ? now : next);
  const seen = useRef(0);
  /** The link that is still to be scrolled to. */
  const wanted = useRef(selected);
  const former = useRef(offset);
  const formerResets = useRef(resets);
  useEffect(() => {
    if (formerResets.current === resets) return;
    formerResets.current = resets;
    setFollows(true);
  }, [resets]);
  const show = (index: number): void => {
    const { current } = box;
    setFollows(false);
    if (current === null) return;
    current.scrollTop = placeInView(index, current.scrollTop, current.clientHeight);
    setScroll({ top: current.scrollTop, height: current.clientHeight }, false);
  };
  useLayoutEffect(() => {
    const { current } = box;
    if (current === null) return;
    const link = parseLink(wanted.current);
    const at = link === undefined ? -1 : lines.findIndex((line) => isLinked(line, link));
    if (at !== -1) {
      wanted.current = "";
      current.scrollTop = (at + 0.5) * LINE_HEIGHT - current.clientHeight / 2;
    } else if (follows) {
      current.scrollTop = lines.length * LINE_HEIGHT;
      seen.current = lines.length;
    } else if (former.current !== offset) {
      current.scrollTop -= (offset - former.current) * LINE_HEIGHT;
      seen.current -= offset - former.current;
    }
    former.current = offset;
    setScroll({ top: current.scrollTop, height: current.clientHeight }, follows && at === -1);
  }, [changed, lines.length, follows, offset, resets]);
  const onScroll = (): void => {
    const { current } = box;
    if (current === null) return;
    const { scrollTop: top, clientHeight: height, scrollHeight } = current;
    const atEnd = isAtEnd(top, height, scrollHeight);
    setScroll({ top, height }, atEnd && follows);
    if (atEnd) seen.current = lines.length;
    setFollows(atEnd && wanted.current === "");
  };
  const toEnd = (): void => {
    wanted.current = "";
    setFollows(true);
  };
  return { box, scroll, follows, unseen: lines.length - seen.current, onScroll, toEnd, show };
}

function Line(
  { line, top, isSelected, hrefOf, onSelect }: {
    readonly line: LogLine;
    readonly top: number;
    readonly isSelected: boolean;
    readonly hrefOf: (link: string) => string;
    readonly onSelect: (line: LogLine) => void;
  },
): JSX.Element {
  const kind = line.source === "notice" ? " notice" : line.isError ? " stderr" : "";
  const select = (event: MouseEvent): void => {
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    onSelect(line);
  };
  return (
    <div
      class={`log-line${kind}${isSelected ? " selected" : ""}`}
      style={{ top: `${top}px` }}
      aria-current={isSelected ? "true" : undefined}
    >
      <a class="at" href={hrefOf(linkOf(line))} tabIndex={-1} onClick={select}>{clockTime(line.atMs)}</a>
      <span class="from" title={line.origin}>{line.origin}</span>
      {line.text}
    </div>
  );
}
