/// <reference lib="dom" />
/** Forms that send by a call, never by the browser: the page's policy lets none out. */
import type { ComponentChildren, JSX, TargetedInputEvent } from "preact";
import { useId, useState } from "preact/hooks";
import { soon } from "../api/clients.ts";
import { type Problem, problemOf } from "../api/problem.ts";
import { ProblemNote } from "./parts.tsx";

/** Fields in a row with one button. `onSend` returns the sentence that is shown afterwards. */
export function Form(
  { label, button, children, onSend }: {
    /** For screen readers, and the begin of a failure's text. */
    readonly label: string;
    readonly button: string;
    readonly children: ComponentChildren;
    readonly onSend: (options: { readonly signal: AbortSignal }) => Promise<string>;
  },
): JSX.Element {
  const [said, setSaid] = useState("");
  const [isSending, setIsSending] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const send = (event: Event): void => {
    event.preventDefault();
    setIsSending(true);
    setProblem(undefined);
    setSaid("");
    onSend(soon(new AbortController().signal)).then(
      setSaid,
      (error: unknown) => setProblem(problemOf(error, `${label} failed.`)),
    ).finally(() => setIsSending(false));
  };
  return (
    <form class="fields" aria-label={label} onSubmit={send}>
      {children}
      <button type="submit" disabled={isSending}>{button}</button>
      <span class="calm-text" role="status">{said}</span>
      {problem === undefined ? null : <ProblemNote problem={problem} />}
    </form>
  );
}

export interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly type?: "text" | "password" | "number" | "datetime-local";
  readonly required?: boolean;
  readonly hint?: string;
}

export function Field(
  { label, value, onValue, type = "text", required = false, hint }: FieldProps,
): JSX.Element {
  const id = useId();
  const all = {
    id,
    value,
    required,
    placeholder: hint,
    autocapitalize: "off",
    spellcheck: false,
    onInput: (event: TargetedInputEvent<HTMLInputElement>) => onValue(event.currentTarget.value),
  } as const;
  return (
    <span class="field">
      <label for={id}>{label}</label>
      {type === "password"
        ? <input type="password" autocomplete="new-password" {...all} />
        : type === "number"
        ? <input type="text" inputMode="numeric" pattern="[0-9]*" size={8} autocomplete="off" {...all} />
        : type === "datetime-local"
        ? <input type="datetime-local" step="1" {...all} />
        : <input type="text" autocomplete="off" {...all} />}
    </span>
  );
}

/** One of some values. */
export function Choice(
  { label, value, options, onValue }: {
    readonly label: string;
    readonly value: string;
    readonly options: readonly (readonly [value: string, word: string])[];
    readonly onValue: (value: string) => void;
  },
): JSX.Element {
  const id = useId();
  return (
    <span class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onValue(event.currentTarget.value)}>
        {options.map(([each, word]) => <option key={each} value={each}>{word}</option>)}
      </select>
    </span>
  );
}
