/// <reference lib="dom" />
import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { WorkspaceChange } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { Api } from "../api/clients.ts";
import { keepLoading } from "../api/load.ts";
import { plain } from "../text/format.ts";
import { metricsAddress } from "../metrics/query.ts";
import { addressOf as logsAddress, NO_QUERY } from "../search/query.ts";
import { useActs } from "../palette/page_acts.ts";
import { Line, Recent } from "../pages/overview_view.tsx";
import { ActDialogOf, type SimpleAct } from "../ui/act.tsx";
import { useNow } from "../ui/now.ts";
import { Command, ProblemNote, Waiting } from "../ui/parts.tsx";
import { Crons } from "./crons.tsx";
import { Domains } from "./domains.tsx";
import { Gradual, gradualActs, isRunning } from "./gradual.tsx";
import { History, isReceiptOpen } from "./history.tsx";
import { Protection } from "./protection.tsx";
import { type EnvironmentPage as Shown, type Place, readEnvironment } from "./read.ts";
import { Scaling } from "./scaling.tsx";
import { Size } from "./size.tsx";
import { redeployOf, Variables } from "./variables.tsx";

const EVERY_MS = 30_000;
/** While edges acknowledge a switch, which no change announces. */
const RECEIPT_MS = 2_000;
/** While a gradual switch runs, whose evidence no change announces. */
const GRADUAL_MS = 5_000;

/** An environment: its live history, gradual switches, variables, size, scaling, crons, domains and protection. */
export function EnvironmentPage(
  { api, place }: { readonly api: Api; readonly place: Place },
): JSX.Element {
  const { projectId, environmentSlug } = place;
  const loading = useMemo(() =>
    keepLoading({
      page: document,
      api,
      read: (signal) => readEnvironment(api, { projectId, environmentSlug }, signal),
      concerns: (change: WorkspaceChange) => change.projectId === projectId,
      everyMs: ({ switches, graduals }) =>
        switches.some(isReceiptOpen) ? RECEIPT_MS : graduals.some(isRunning) ? GRADUAL_MS : EVERY_MS,
      what: `Environment ${environmentSlug} cannot be read.`,
    }), [api, projectId, environmentSlug]);
  useEffect(() => () => loading.stop(), [loading]);
  const nowMs = useNow(api.clock);
  const [act, setAct] = useState<SimpleAct>();
  const { value, problem } = loading.state.value;
  const acts = value === undefined ? [] : actsOf(api, value);
  useActs(
    api.pageActs,
    `${environmentSlug} ${acts.map(({ command }) => command).join()}`,
    acts.map((each) => ({ title: each.title, command: each.command, run: () => setAct(each) })),
  );
  const close = (): void => {
    setAct(undefined);
    loading.again();
  };
  return (
    <>
      {problem === undefined ? null : <ProblemNote problem={problem} />}
      {value === undefined
        ? problem === undefined ? <Waiting what="the environment" /> : null
        : <EnvironmentView api={api} shown={value} nowMs={nowMs} onAct={setAct} />}
      {act === undefined ? null : <ActDialogOf act={act} onClose={close} />}
    </>
  );
}

/** The acts that the palette offers: a redeploy, and those on the gradual switch that runs. */
function actsOf(api: Api, { live, graduals }: Shown): readonly SimpleAct[] {
  const running = graduals.find(isRunning);
  return [
    ...(live === undefined ? [] : [{ ...redeployOf(api, live), title: `Redeploy: ${live.id}` }]),
    ...(running === undefined ? [] : gradualActs(api, running)),
  ];
}

/** An environment that was read. */
export function EnvironmentView(
  { api, shown, nowMs, onAct }: {
    readonly api: Api;
    readonly shown: Shown;
    readonly nowMs: number;
    readonly onAct: (act: SimpleAct) => void;
  },
): JSX.Element {
  const { project, environment, live, deployments, switches, variables, domains } = shown;
  const { graduals, crons, runs, scalings } = shown;
  const place = { projectId: project.id, environmentSlug: environment.slug };
  const flags = `--project ${project.slug} --env ${environment.slug}`;
  return (
    <>
      <h1>{plain(project.slug)} {plain(environment.slug)}</h1>
      <div class="bar">
        {environment.rolledBack ? <span class="tag">rolled back: new deployments wait</span> : null}
        <a href={metricsAddress(place)}>Metrics</a>
        <a href={logsAddress({ ...NO_QUERY, project: project.id, environment: environment.slug })}>Logs</a>
        <span class="grow" />
        {live === undefined
          ? null
          : <button type="button" onClick={() => onAct(redeployOf(api, live))}>Redeploy</button>}
      </div>
      {live === undefined
        ? <p class="calm-text">Nothing is live here.</p>
        : <Line deployment={live} nowMs={nowMs} label="live" />}
      <History switches={switches} nowMs={nowMs} />
      {live === undefined && graduals.length === 0
        ? null
        : <Gradual api={api} switches={graduals} nowMs={nowMs} onAct={onAct} />}
      {variables === undefined
        ? null
        : <Variables {...{ api, place, flags, variables, live, nowMs, onAct }} />}
      <Size api={api} place={place} projectSlug={project.slug} environment={environment} />
      <Scaling
        {...{ api, place, nowMs, onAct }}
        projectSlug={project.slug}
        settings={environment.app?.scaling}
        regions={live?.scaledRegions ?? []}
        changes={scalings}
      />
      <Crons {...{ api, place, flags, crons, runs, nowMs, onAct }} />
      {domains === undefined
        ? null
        : <Domains {...{ api, place, projectSlug: project.slug, domains, nowMs, onAct }} />}
      <Protection
        {...{ api, place, onAct }}
        projectSlug={project.slug}
        protection={environment.protection}
      />
      {deployments.length === 0 ? null : <Recent deployments={deployments} nowMs={nowMs} />}
      <p class="calm-text">The same in a terminal:</p>
      <Command text={`unkey list switches ${flags}`} />
    </>
  );
}
