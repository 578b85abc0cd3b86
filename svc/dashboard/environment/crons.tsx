/// <reference lib="dom" />
/** Crons of the live deployment: when each runs next, how the last runs ended, and pause and resume. */
import type { JSX } from "preact";
import type { Cron } from "../../../proto/gen/ctrl/v1/cron_pb.ts";
import { type Run, RunState } from "../../../proto/gen/ctrl/v1/run_pb.ts";
import type { Api } from "../api/clients.ts";
import { age, count, plain, shellWord } from "../text/format.ts";
import type { Tone } from "../text/status.ts";
import type { SimpleAct } from "../ui/act.tsx";
import { Ago, Table, ToneBadge } from "../ui/parts.tsx";
import type { Place } from "./read.ts";

export interface CronsProps {
  readonly api: Pick<Api, "crons" | "deployments">;
  readonly place: Place;
  /** `--project <slug> --env <slug>` */
  readonly flags: string;
  readonly crons: readonly Cron[];
  /** Runs of crons, newest first. */
  readonly runs: readonly Run[];
  readonly nowMs: number;
  readonly onAct: (act: SimpleAct) => void;
}

/** Nothing where there are no crons: they come with a deployment. */
export function Crons(props: CronsProps): JSX.Element | null {
  const { crons, runs, nowMs } = props;
  if (crons.length === 0 && runs.length === 0) return null;
  return (
    <section>
      <h2>Crons</h2>
      {crons.length === 0 ? <p class="calm-text">The live deployment has none.</p> : (
        <Table
          label="Crons"
          columns={[
            "name",
            "schedule",
            "next run",
            "last run",
            "command",
            <span class="unseen" key="action">action</span>,
          ]}
        >
          {crons.map((each) => <Row key={each.id} {...props} cron={each} />)}
        </Table>
      )}
      {runs.length === 0 ? null : <Runs runs={runs} nowMs={nowMs} />}
    </section>
  );
}

function Row({ cron, nowMs, onAct, ...rest }: CronsProps & { readonly cron: Cron }): JSX.Element {
  const { name, schedule, timezone, lastRun, command } = cron;
  return (
    <tr>
      <th scope="row">
        <code>{plain(name)}</code>
      </th>
      <td>
        <code>{plain(schedule)}</code> {plain(timezone)}
      </td>
      <td>{nextText(cron, nowMs)}</td>
      <td>
        {lastRun === undefined ? "none yet" : (
          <>
            <RunBadge run={lastRun} /> <Ago atMs={timeOf(lastRun)} nowMs={nowMs} />
          </>
        )}
      </td>
      <td class="cut">
        <code>{command.map((word) => shellWord(plain(word))).join(" ")}</code>
      </td>
      <td>
        {cronActs(cron, rest).map((act) => (
          <button
            key={act.word}
            type="button"
            aria-label={act.title}
            onClick={() => onAct(act)}
          >
            {act.word.toLowerCase()}
          </button>
        ))}
      </td>
    </tr>
  );
}

/** `paused`, or the time until the next run, and the time itself where it is more than a day away. */
export function nextText({ nextAt, pausedAt }: Cron, nowMs: number): string {
  if (pausedAt !== 0n) return "paused";
  if (nextAt === 0n) return "never";
  const atMs = Number(nextAt);
  return atMs <= nowMs ? "now" : `in ${age(nowMs, atMs)}`;
}

function timeOf({ plannedAt, createdAt }: Run): number {
  return Number(plannedAt === 0n ? createdAt : plannedAt);
}

/** The acts on a cron: pause or resume, and a run now. */
export function cronActs(
  { name, pausedAt }: Cron,
  { api, place, flags }: Pick<CronsProps, "api" | "place" | "flags">,
): readonly SimpleAct[] {
  const named = { ...place, name };
  const [isPaused, shown] = [pausedAt !== 0n, plain(name)];
  const now: SimpleAct = {
    title: `Run now: ${shown}`,
    word: "Run now",
    command: `unkey run --cron ${shellWord(shown)} ${flags}`,
    text: <p>Its command runs once, beside the schedule.</p>,
    run: async (options) => void await api.deployments.createRun({ ...place, cron: name }, options),
  };
  const pause: SimpleAct = isPaused
    ? {
      title: `Resume ${shown}`,
      word: "Resume",
      command: `unkey crons resume ${shellWord(shown)} ${flags}`,
      text: <p>It runs by its schedule again. Times of the pause are not made good.</p>,
      run: async (options) => void await api.crons.resumeCron(named, options),
    }
    : {
      title: `Pause ${shown}`,
      word: "Pause",
      command: `unkey crons pause ${shellWord(shown)} ${flags}`,
      text: <p>No planned run begins until it is resumed, also after the next deployment.</p>,
      run: async (options) => void await api.crons.pauseCron(named, options),
    };
  return [pause, now];
}

const STATES: Readonly<Record<RunState, readonly [word: string, tone: Tone]>> = {
  [RunState.UNSPECIFIED]: ["unknown", "calm"],
  [RunState.STARTING]: ["starting", "busy"],
  [RunState.RUNNING]: ["running", "busy"],
  [RunState.SUCCEEDED]: ["succeeded", "good"],
  [RunState.FAILED]: ["failed", "bad"],
  [RunState.CANCELLED]: ["cancelled", "calm"],
  [RunState.TIMED_OUT]: ["timed out", "bad"],
  [RunState.LOST]: ["lost", "bad"],
  [RunState.SKIPPED]: ["skipped", "calm"],
  [RunState.MISSED]: ["missed", "bad"],
  [RunState.REFUSED]: ["refused", "bad"],
};

function RunBadge({ run }: { readonly run: Run }): JSX.Element {
  const [word, tone] = STATES[run.state] ?? STATES[RunState.UNSPECIFIED];
  return <ToneBadge tone={tone} word={word} />;
}

function Runs({ runs, nowMs }: { readonly runs: readonly Run[]; readonly nowMs: number }): JSX.Element {
  return (
    <Table label="Last runs of crons" columns={["planned", "cron", "state", "exit code", "message"]}>
      {runs.map((each) => (
        <tr key={each.id}>
          <th scope="row">
            <Ago atMs={timeOf(each)} nowMs={nowMs} />
          </th>
          <td>
            <code>{plain(each.cron)}</code>
            {each.plannedTimes > 1 ? <span class="tag">{count(each.plannedTimes, "time")}</span> : null}
          </td>
          <td>
            <RunBadge run={each} />
          </td>
          <td class="number">{each.exitCode ?? "–"}</td>
          <td class="wrap">{plain(each.message) || "–"}</td>
        </tr>
      ))}
    </Table>
  );
}
