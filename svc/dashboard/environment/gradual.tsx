/// <reference lib="dom" />
/** Gradual switches of an environment: the one that runs, with its steps and evidence, and those that ended. */
import type { JSX } from "preact";
import {
  type GradualEvidence,
  GradualState as State,
  type GradualSwitch,
  type VersionEvidence,
} from "../../../proto/gen/ctrl/v1/gradual_switch_pb.ts";
import type { Api } from "../api/clients.ts";
import { count, duration, plain } from "../text/format.ts";
import type { SimpleAct } from "../ui/act.tsx";
import { Ago, Command, Table, ToneBadge } from "../ui/parts.tsx";

export interface GradualProps {
  readonly api: Pick<Api, "deployments">;
  /** Newest first. */
  readonly switches: readonly GradualSwitch[];
  readonly nowMs: number;
  readonly onAct: (act: SimpleAct) => void;
}

export function Gradual({ api, switches, nowMs, onAct }: GradualProps): JSX.Element {
  const running = switches.find(isRunning);
  const ended = switches.filter((each) => !isRunning(each));
  return (
    <section>
      <h2>Gradual switches</h2>
      {running === undefined
        ? (
          <>
            <p class="calm-text">None runs. A promote in steps takes back the requests of a worse version.</p>
            <Command text="unkey promote <deployment> --gradual" />
          </>
        )
        : <Running api={api} running={running} nowMs={nowMs} onAct={onAct} />}
      {ended.length === 0 ? null : <Ended ended={ended} nowMs={nowMs} />}
    </section>
  );
}

export function isRunning({ state }: GradualSwitch): boolean {
  return state === State.RUNNING;
}

function Running(
  { api, running, nowMs, onAct }: Omit<GradualProps, "switches"> & { readonly running: GradualSwitch },
): JSX.Element {
  const { toDeploymentId: to, fromDeploymentId: from, percent, everyMs, sticky, evidence } = running;
  const [next, abort] = gradualActs(api, running);
  return (
    <div class="card">
      <p>
        <Id id={to} /> gets {percent} % of the requests, <Id id={from} /> the others.
      </p>
      <Steps running={running} />
      <p class="facts">
        <span>
          this step since <Ago atMs={Number(running.stepStartedAt)} nowMs={nowMs} />
        </span>
        <span>{everyMs === 0n ? "each step is ordered" : `a step each ${duration(Number(everyMs))}`}</span>
        {sticky ? <span>browsers stay with their version</span> : null}
      </p>
      {evidence === undefined
        ? <p class="calm-text">No requests are counted yet.</p>
        : <Evidence evidence={evidence} to={to} from={from} />}
      <p class="bar">
        {[next, abort].map((act) => (
          <button key={act.word} type="button" onClick={() => onAct(act)}>{act.word}</button>
        ))}
      </p>
      <Command text={next.command} />
    </div>
  );
}

function Id({ id }: { readonly id: string }): JSX.Element {
  return <a class="id" href={`/deployments/${id}`}>{id}</a>;
}

function Steps({ running: { steps, step } }: { readonly running: GradualSwitch }): JSX.Element {
  return (
    <ol class="steps" aria-label="Shares of the requests">
      {[...steps, 100].map((share, at) => (
        <li key={share} class={at < step ? "done" : ""} aria-current={at === step ? "step" : undefined}>
          {share} %
        </li>
      ))}
    </ol>
  );
}

function Evidence(
  { evidence: { next, live }, to, from }: {
    readonly evidence: GradualEvidence;
    readonly to: string;
    readonly from: string;
  },
): JSX.Element {
  return (
    <Table label="Requests of both versions" columns={["version", "requests", "failed", "p95"]}>
      {([[to, "new", next], [from, "live", live]] as const).map(([id, word, seen]) => (
        <tr key={id}>
          <th scope="row">
            <span class="id">{id}</span>
            <span class="tag">{word}</span>
          </th>
          <td class="number">{String(seen?.requests ?? 0n)}</td>
          <td class="number">{failedText(seen)}</td>
          <td class="number">{seen?.p95Ms === undefined ? "–" : duration(seen.p95Ms)}</td>
        </tr>
      ))}
    </Table>
  );
}

function failedText(seen: VersionEvidence | undefined): string {
  const [requests, failed] = [Number(seen?.requests ?? 0n), Number(seen?.failed ?? 0n)];
  return `${failed} (${(100 * failed / Math.max(1, requests)).toFixed(1)} %)`;
}

type EndState = Exclude<State, State.UNSPECIFIED | State.RUNNING>;
const ENDS: Readonly<Record<EndState, readonly [word: string, tone: "good" | "bad" | "calm"]>> = {
  [State.COMPLETED]: ["completed", "good"],
  [State.ABORTED]: ["aborted", "bad"],
  [State.CANCELLED]: ["ended by a person", "calm"],
  [State.REPLACED]: ["replaced", "calm"],
};

function endOf(state: State): readonly [word: string, tone: "good" | "bad" | "calm"] {
  return state === State.UNSPECIFIED || state === State.RUNNING ? ["unknown", "calm"] : ENDS[state];
}

function Ended(
  { ended, nowMs }: { readonly ended: readonly GradualSwitch[]; readonly nowMs: number },
): JSX.Element {
  return (
    <Table label="Ended gradual switches" columns={["ended", "to", "end", "why"]}>
      {ended.map((each) => {
        const [word, tone] = endOf(each.state);
        return (
          <tr key={each.id}>
            <th scope="row">
              <Ago atMs={Number(each.endedAt)} nowMs={nowMs} />
            </th>
            <td>
              <Id id={each.toDeploymentId} />
            </td>
            <td>
              <ToneBadge tone={tone} word={word} />
            </td>
            <td class="wrap">{plain(each.reason)}</td>
          </tr>
        );
      })}
    </Table>
  );
}

/** The acts on a gradual switch that runs: its next step, and its end. */
export function gradualActs(
  api: GradualProps["api"],
  { id, steps, step, toDeploymentId: to, fromDeploymentId: from }: GradualSwitch,
): readonly [next: SimpleAct, abort: SimpleAct] {
  const share = steps[step + 1] ?? 100;
  const left = count(steps.length - step, "step");
  return [
    {
      title: `Next step: ${share} % to ${to}`,
      word: "Next step",
      command: `unkey promote ${to} --next`,
      text: (
        <p>
          {share === 100 ? `${to} becomes the live one and gets all requests.` : `${left} to all requests.`}
        </p>
      ),
      run: async (options) =>
        void await api.deployments.advanceGradualSwitch({ gradualSwitchId: id }, options),
    },
    {
      title: `Abort the gradual switch to ${to}?`,
      word: "Abort",
      command: `unkey promote ${to} --abort`,
      text: <p>{from} stays live and gets all requests again.</p>,
      run: async (options) => void await api.deployments.abortGradualSwitch({ gradualSwitchId: id }, options),
    },
  ];
}
