/// <reference lib="dom" />
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Deployment, Switch } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { type Act, actWord, commandOf, perform, planLines, planOf } from "../api/acts.ts";
import { type Api, soon } from "../api/clients.ts";
import { type Problem, problemOf } from "../api/problem.ts";
import { plain } from "../text/format.ts";
import { ConfirmDialog } from "../ui/confirm.tsx";
import { ProblemNote, Waiting } from "../ui/parts.tsx";

type State =
  | { readonly step: "planning" }
  | { readonly step: "planned"; readonly plan: Switch | undefined }
  | { readonly step: "acting" }
  | { readonly step: "done"; readonly text: string }
  | { readonly step: "failed"; readonly problem: Problem };

/** The longest that a start may take which an act waits for, in milliseconds. */
const ACT_MS_MAX = 72 * 60_000;

/** Shows the plan of an act, does it once it is confirmed, and then says what happened. */
export function ActDialog(
  { api, act, deployment, onClose }: {
    readonly api: Api;
    readonly act: Act;
    readonly deployment: Deployment;
    readonly onClose: () => void;
  },
): JSX.Element {
  const [state, setState] = useState<State>({ step: "planning" });
  useEffect(() => {
    const stop = new AbortController();
    planOf(api, act, deployment, soon(stop.signal)).then(
      (plan) => setState({ step: "planned", plan }),
      (error: unknown) => {
        if (stop.signal.aborted) return;
        setState({ step: "failed", problem: problemOf(error, "This cannot be done now.") });
      },
    );
    return () => stop.abort();
  }, [api, act, deployment.id]);
  const word = actWord(act, deployment);
  const run = (): void => {
    setState({ step: "acting" });
    perform(api, act, deployment, { signal: AbortSignal.timeout(ACT_MS_MAX) }).then(
      (text) => setState({ step: "done", text }),
      (error: unknown) => setState({ step: "failed", problem: problemOf(error, `${word} failed.`) }),
    );
  };
  return (
    <ConfirmDialog
      title={`${word}: ${deployment.id}`}
      command={commandOf(act, deployment)}
      act={state.step === "planned" ? word : undefined}
      onAct={run}
      onClose={onClose}
    >
      <Content state={state} act={act} />
    </ConfirmDialog>
  );
}

function Content({ state, act }: { readonly state: State; readonly act: Act }): JSX.Element {
  switch (state.step) {
    case "planning":
      return <Waiting what="the plan" />;
    case "planned":
      return <>{planLines(act, state.plan).map((line) => <p key={line}>{plain(line)}</p>)}</>;
    case "acting":
      return <p role="status">It goes on …</p>;
    case "done":
      return <p role="status">{plain(state.text)}</p>;
    case "failed":
      return <ProblemNote problem={state.problem} />;
    default:
      return state satisfies never;
  }
}
