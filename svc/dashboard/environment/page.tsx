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
import { Domains } from "./domains.tsx";
import { History, isReceiptOpen } from "./history.tsx";
import { type EnvironmentPage as Shown, type Place, readEnvironment } from "./read.ts";
import { Size } from "./size.tsx";
import { redeployOf, Variables } from "./variables.tsx";

const EVERY_MS = 30_000;
/** While edges acknowledge a switch, which no change announces. */
const RECEIPT_MS = 2_000;

/** An environment: its live history, variables, size and domains. */
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
      everyMs: ({ switches }) => switches.some(isReceiptOpen) ? RECEIPT_MS : EVERY_MS,
      what: `Environment ${environmentSlug} cannot be read.`,
    }), [api, projectId, environmentSlug]);
  useEffect(() => () => loading.stop(), [loading]);
  const nowMs = useNow(api.clock);
  const [act, setAct] = useState<SimpleAct>();
  const { value, problem } = loading.state.value;
  const live = value?.live;
  const redeploy = live === undefined ? undefined : redeployOf(api, live);
  useActs(
    api.pageActs,
    `${environmentSlug} ${live?.id}`,
    redeploy === undefined ? [] : [{
      title: `Redeploy: ${live?.id}`,
      command: redeploy.command,
      run: () => setAct(redeploy),
    }],
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
      {variables === undefined
        ? null
        : <Variables {...{ api, place, flags, variables, live, nowMs, onAct }} />}
      <Size api={api} place={place} projectSlug={project.slug} environment={environment} />
      {domains === undefined
        ? null
        : <Domains {...{ api, place, projectSlug: project.slug, domains, nowMs, onAct }} />}
      {deployments.length === 0 ? null : <Recent deployments={deployments} nowMs={nowMs} />}
      <p class="calm-text">The same in a terminal:</p>
      <Command text={`unkey list switches ${flags}`} />
    </>
  );
}
