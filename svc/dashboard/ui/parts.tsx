/// <reference lib="dom" />
/** Small parts of all pages. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { DeploymentStatus } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { Problem } from "../api/problem.ts";
import { age } from "../text/format.ts";
import { statusTone, statusWord, type Tone } from "../text/status.ts";

/** The status as a word with a dot, whose form also differs: colour alone says nothing. */
export function StatusBadge({ status }: { readonly status: DeploymentStatus }): JSX.Element {
  return <ToneBadge tone={statusTone(status)} word={statusWord(status)} />;
}

export function ToneBadge({ tone, word }: { readonly tone: Tone; readonly word: string }): JSX.Element {
  return (
    <span class={`badge ${tone}`}>
      <span class="dot" aria-hidden="true" />
      {word}
    </span>
  );
}

/** A time as an age; the whole of it is in the tooltip. */
export function Ago({ atMs, nowMs }: { readonly atMs: number; readonly nowMs: number }): JSX.Element {
  const whole = new Date(atMs).toISOString();
  return <time dateTime={whole} title={whole}>{age(atMs, nowMs)} ago</time>;
}

/** The three parts of a problem: what happened, why, what to do. */
export function ProblemNote({ problem }: { readonly problem: Problem }): JSX.Element {
  return (
    <div class="problem" role="alert">
      <strong>{problem.what}</strong>
      <p>{problem.why}</p>
      <p>{problem.next}</p>
    </div>
  );
}

/** A place without content, and the command that fills it. */
export function Empty(
  { title, children, command }: {
    readonly title: string;
    readonly children: ComponentChildren;
    readonly command?: string;
  },
): JSX.Element {
  return (
    <div class="empty">
      <h2>{title}</h2>
      <p>{children}</p>
      {command === undefined ? null : <Command text={command} />}
    </div>
  );
}

/** A command line with a button that copies it. */
export function Command({ text }: { readonly text: string }): JSX.Element {
  return (
    <span class="command">
      <code>{text.split(" ").map((word, at) => [at === 0 ? "" : " ", <span key={at}>{word}</span>])}</code>
      <CopyButton text={text} word="copy" label={`Copy the command ${text}`} quiet />
    </span>
  );
}

/** Copies a text, and says so. */
export function CopyButton(
  { text, word, label = word, quiet = false }: {
    readonly text: string;
    readonly word: string;
    /** For screen readers. */
    readonly label?: string;
    readonly quiet?: boolean;
  },
): JSX.Element {
  const [copied, setCopied] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    timer.current = setTimeout(() => setCopied(false), 2_000);
  };
  return (
    <>
      <button type="button" class={quiet ? "quiet" : ""} aria-label={label} onClick={() => void copy()}>
        {copied ? "copied" : word}
      </button>
      <span class="unseen" role="status">{copied ? "Copied." : ""}</span>
    </>
  );
}

/** Rows under their columns, which scroll by themselves where the page is too narrow, also with the keyboard. */
export function Table(
  { label, columns, children }: {
    /** For screen readers. */
    readonly label: string;
    readonly columns: readonly ComponentChildren[];
    readonly children: ComponentChildren;
  },
): JSX.Element {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>{columns.map((each, at) => <th scope="col" key={at}>{each}</th>)}</tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

/** Shown until the first answer. */
export function Waiting({ what }: { readonly what: string }): JSX.Element {
  return <p class="waiting" role="status">Reading {what} …</p>;
}
