/// <reference lib="dom" />
/** An act that is confirmed, done once, and says what came of it. */
import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { soon } from "../api/clients.ts";
import { type Problem, problemOf } from "../api/problem.ts";
import { ConfirmDialog } from "./confirm.tsx";
import { ProblemNote } from "./parts.tsx";

export interface SimpleAct {
  readonly title: string;
  /** The button, and the begin of a failure's text: `… failed.` */
  readonly word: string;
  readonly command: string;
  /** Does it. The answer is shown; without one the dialog closes. */
  readonly run: (options: { readonly signal: AbortSignal }) => Promise<JSX.Element | undefined>;
  /** Says what happens. */
  readonly text: ComponentChildren;
}

type State =
  | { readonly step: "asked" | "acting" }
  | { readonly step: "done"; readonly answer: JSX.Element }
  | { readonly step: "failed"; readonly problem: Problem };

/** Asks before an act and does it. `onClose` comes also after the act. */
export function ActDialogOf(
  { act, onClose }: { readonly act: SimpleAct; readonly onClose: () => void },
): JSX.Element {
  const [state, setState] = useState<State>({ step: "asked" });
  const run = (): void => {
    setState({ step: "acting" });
    act.run(soon(new AbortController().signal)).then(
      (answer) => answer === undefined ? onClose() : setState({ step: "done", answer }),
      (error: unknown) => setState({ step: "failed", problem: problemOf(error, `${act.word} failed.`) }),
    );
  };
  return (
    <ConfirmDialog
      title={act.title}
      command={act.command}
      act={state.step === "asked" ? act.word : undefined}
      onAct={run}
      onClose={onClose}
    >
      {state.step === "asked" ? <div>{act.text}</div> : null}
      {state.step === "acting" ? <p role="status">It goes on …</p> : null}
      {state.step === "done" ? <div role="status">{state.answer}</div> : null}
      {state.step === "failed" ? <ProblemNote problem={state.problem} /> : null}
    </ConfirmDialog>
  );
}
