/// <reference lib="dom" />
/** The output of a deployment: its lines by source and text, and a link to each. */
import type { Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { count } from "../text/format.ts";
import type { LogBuffer, LogLine, LogSource } from "./buffer.ts";
import { LineList } from "./line_list.tsx";
import { linkedSearch } from "../search/query.ts";
import { linkOf, parseLink } from "./link.ts";
import { SelectedLine, useSelectedLine } from "./selected_line.tsx";

const SOURCES: readonly (readonly [source: LogSource | undefined, word: string])[] = [
  [undefined, "All"],
  ["build", "Build"],
  ["app", "App"],
];

/** @param props `version` changes whenever the buffer does, `linked` is the line that the address names */
export function LogView(
  { deploymentId, buffer, version, linked }: {
    readonly deploymentId: string;
    readonly buffer: LogBuffer;
    readonly version: Signal<number>;
    readonly linked: string;
  },
): JSX.Element {
  const [source, setSource] = useState<LogSource>();
  const [text, setText] = useState("");
  const search = useRef<HTMLInputElement>(null);
  useSearchKey(search);
  const changed = version.value;
  const lines = buffer.matching({ source, text });
  const isAll = source === undefined && text === "";
  const hrefOf = (link: string): string => addressOf(deploymentId, link);
  const { selected, line, select } = useSelectedLine({ linked, lines, hrefOf });
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
      <LineList
        lines={lines}
        changed={changed}
        offset={isAll ? buffer.dropped : 0}
        resets={`${source} ${text}`}
        selected={selected}
        onSelect={select}
        hrefOf={hrefOf}
      />
      {line === undefined
        ? null
        : (
          <SelectedLine line={line} href={permalinkOf(deploymentId, line)} onClose={() => select(undefined)}>
            {line.sequence > 0 ? null : <a href={permalinkOf(deploymentId, line)}>In all kept output</a>}
          </SelectedLine>
        )}
      {selected === "" || line !== undefined || !isAll || buffer.size === 0
        ? null
        : <Missing deploymentId={deploymentId} link={selected} />}
    </section>
  );
}

/** The page of a deployment at a line. */
function addressOf(deploymentId: string, link: string): string {
  return `/deployments/${deploymentId}${link === "" ? "" : `?line=${link}`}`;
}

/** This page has the last lines of instances only, so that a link that is to last leads to the search. */
function permalinkOf(deploymentId: string, line: LogLine): string {
  const link = linkOf(line);
  return line.sequence > 0 ? addressOf(deploymentId, link) : linkedSearch(deploymentId, link, line.atMs);
}

function Missing(
  { deploymentId, link }: { readonly deploymentId: string; readonly link: string },
): JSX.Element {
  const parsed = parseLink(link);
  if (parsed?.kind !== "instance") {
    return <p role="status">The line of the link is not here: it has not come yet, or is not kept.</p>;
  }
  const href = linkedSearch(deploymentId, link, parsed.atMs);
  return (
    <p role="status">
      The line of the link is older than those that are shown here.{" "}
      <a href={href}>Look for it in all output</a>
    </p>
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
