/// <reference lib="dom" />
/** The line that the address names: its whole text, and its link. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { CopyButton } from "../ui/parts.tsx";
import type { LogLine } from "./buffer.ts";
import { isLinked, linkOf, parseLink } from "./link.ts";

interface Selection {
  /** Its link; empty: none. */
  readonly selected: string;
  readonly line: LogLine | undefined;
  readonly select: (line: LogLine | undefined) => void;
}

/** Keeps the selected line in the address. `line` is absent until it is among `lines`, and stays when it is not any more. */
export function useSelectedLine(
  { linked, lines, hrefOf }: {
    /** The link in the address when the page was opened. */
    readonly linked: string;
    readonly lines: readonly LogLine[];
    readonly hrefOf: (link: string) => string;
  },
): Selection {
  const [selected, setSelected] = useState(linked);
  const found = useRef<LogLine>(undefined);
  useEffect(() => setSelected(linked), [linked]);
  const link = parseLink(selected);
  if (link === undefined) found.current = undefined;
  else if (found.current === undefined || !isLinked(found.current, link)) {
    found.current = lines.find((line) => isLinked(line, link));
  }
  const select = (line: LogLine | undefined): void => {
    const next = line === undefined ? "" : linkOf(line);
    found.current = line;
    setSelected(next);
    history.replaceState(null, "", hrefOf(next));
  };
  return { selected, line: found.current, select };
}

/** A line in whole. */
export function SelectedLine(
  { line, href, children, onClose }: {
    readonly line: LogLine;
    /** Its permalink, on this origin. */
    readonly href: string;
    readonly children?: ComponentChildren;
    readonly onClose: () => void;
  },
): JSX.Element {
  return (
    <div class="card selected-line" role="group" aria-label="Selected line">
      <p class="bar">
        <time dateTime={new Date(line.atMs).toISOString()}>{new Date(line.atMs).toISOString()}</time>
        <span class="id">{line.origin}</span>
        <span class="grow" />
        {children}
        <CopyButton text={`${globalThis.location?.origin ?? ""}${href}`} word="Copy link" />
        <button type="button" onClick={onClose}>Close</button>
      </p>
      <pre tabIndex={0} role="region" aria-label="Text of the line">{wholeText(line.text)}</pre>
    </div>
  );
}

/** JSON in lines of its own, any other text as it is. */
export function wholeText(text: string): string {
  if (!text.startsWith("{")) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
