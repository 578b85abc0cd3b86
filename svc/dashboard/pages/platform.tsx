/// <reference lib="dom" />
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import type { GetStatusResponse, Limit, RegionStatus } from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import { type Deployment, DeploymentStatus } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { type Api, soon } from "../api/clients.ts";
import { keepLoading } from "../api/load.ts";
import { permitted } from "../api/permitted.ts";
import { age, count, plain } from "../text/format.ts";
import { useNow } from "../ui/now.ts";
import { Ago, Command, ProblemNote, Table, Waiting } from "../ui/parts.tsx";
import { EDGES, regionTrouble } from "./overview_view.tsx";

/** Heartbeats and versions of agents are no change of the workspace. */
const EVERY_MS = 3_000;
const DEPLOYMENTS = 100;

interface Platform {
  readonly status: GetStatusResponse;
  readonly queued: readonly Deployment[];
  /** Of the workspace. */
  readonly limits: readonly Limit[];
}

async function read(api: Api, signal: AbortSignal): Promise<Platform> {
  const options = soon(signal);
  const [status, { deployments }, limits] = await Promise.all([
    api.admin.getStatus({}, options),
    api.deployments.listDeployments({ pageSize: DEPLOYMENTS }, options),
    permitted(api.admin.listLimits({}, options).then((found) => found.limits)),
  ]);
  const queued = deployments.filter((each) => each.status === DeploymentStatus.QUEUED);
  return { status, queued, limits: limits ?? [] };
}

/** Regions with their agents, builds that wait, certificates that are ordered, domains in trouble, and limits. */
export function PlatformPage({ api }: { readonly api: Api }): JSX.Element {
  const loading = useMemo(() =>
    keepLoading({
      page: document,
      api,
      read: (signal) => read(api, signal),
      everyMs: () => EVERY_MS,
      what: "The state of the platform cannot be read.",
    }), [api]);
  useEffect(() => () => loading.stop(), [loading]);
  const nowMs = useNow(api.clock);
  const { value, problem } = loading.state.value;
  return (
    <>
      {problem === undefined ? null : <ProblemNote problem={problem} />}
      {value === undefined
        ? problem === undefined ? <Waiting what="the state of the platform" /> : null
        : <PlatformView {...value} nowMs={nowMs} />}
    </>
  );
}

export function PlatformView(
  { status, queued, limits, nowMs }: Platform & { readonly nowMs: number },
): JSX.Element {
  const { regions, certificates, domains, workers } = status;
  return (
    <>
      <h1>Platform</h1>
      {regions.map((each) => <Region key={each.region} region={each} nowMs={nowMs} />)}
      <Part title="Workers" empty="No worker has sent a heartbeat today." rows={workers.length}>
        <Table label="Workers" columns={["worker", "state", "started", "last heartbeat"]}>
          {workers.map(({ id, alive, startedAt, lastSeenAt }) => (
            <tr key={id}>
              <th scope="row" class="id">{plain(id)}</th>
              <td>{alive ? "alive" : <span class="tag">lost</span>}</td>
              <td>{age(Number(startedAt), nowMs)} ago</td>
              <td>{age(Number(lastSeenAt), nowMs)} ago</td>
            </tr>
          ))}
        </Table>
      </Part>
      <Part title="Builds that wait" empty="No build waits." rows={queued.length}>
        <Table label="Builds that wait" columns={["place", "deployment", "where", "waits for"]}>
          {queued.map((each) => (
            <tr key={each.id}>
              <th scope="row" class="number">{each.queuePosition}</th>
              <td>
                <a class="id" href={`/deployments/${each.id}`}>{each.id}</a>
              </td>
              <td>{plain(each.projectSlug)} {plain(each.environmentSlug)}</td>
              <td class="cut">{plain(each.queueBlocker)}</td>
            </tr>
          ))}
        </Table>
      </Part>
      <Part title="Certificates" empty="None is ordered or renewed at the moment." rows={certificates.length}>
        <Table label="Certificates" columns={["host name", "failures", "next attempt", "problem"]}>
          {certificates.map((each) => (
            <tr key={each.hostname}>
              <th scope="row">
                {plain(each.hostname)}
                {each.late ? <span class="tag">late</span> : null}
              </th>
              <td class="number">{each.failures}</td>
              <td>{inText(Number(each.nextAttemptAt), nowMs)}</td>
              <td class="cut" title={plain(each.problem)}>{plain(each.problem) || "–"}</td>
            </tr>
          ))}
        </Table>
      </Part>
      <Part title="Domains" empty="All lead here." rows={domains.length}>
        <Table label="Domains" columns={["domain", "where", "status", "problem"]}>
          {domains.map((each) => (
            <tr key={each.domain}>
              <th scope="row">{plain(each.domain)}</th>
              <td>{plain(each.projectSlug)} {plain(each.environmentSlug)}</td>
              <td>{plain(each.status)}</td>
              <td class="cut" title={plain(each.problem)}>{plain(each.problem) || "–"}</td>
            </tr>
          ))}
        </Table>
      </Part>
      <p class="calm-text">The same in a terminal:</p>
      <Command text="unkey status" />
      {limits.length === 0 ? null : <Limits limits={limits} />}
    </>
  );
}

/** The limits of the workspace. One of which nine tenths are used is marked: more is refused. */
function Limits({ limits }: { readonly limits: readonly Limit[] }): JSX.Element {
  return (
    <section>
      <h2>Limits</h2>
      <Table label="Limits" columns={["limit", "used", "allowed", "of"]}>
        {limits.map(({ name, value, used, isSet, about }) => (
          <tr key={name}>
            <th scope="row">
              {plain(name)}
              {isNear(used, value) ? <span class="tag">nearly used up</span> : null}
            </th>
            <td class="number">{used === undefined ? "–" : String(used)}</td>
            <td class="number">
              {value === undefined ? "the worker's setting" : String(value)}
              {isSet ? <span class="tag">set</span> : null}
            </td>
            <td class="wrap">{plain(about)}</td>
          </tr>
        ))}
      </Table>
      <Command text="unkey limits" />
    </section>
  );
}

function isNear(used: bigint | undefined, value: bigint | undefined): boolean {
  return used !== undefined && value !== undefined && used > 0n && used * 10n >= value * 9n;
}

function Part(
  { title, empty, rows, children }: {
    readonly title: string;
    readonly empty: string;
    readonly rows: number;
    readonly children: ComponentChildren;
  },
): JSX.Element {
  return (
    <section>
      <h2>{title}</h2>
      {rows === 0 ? <p class="calm-text">{empty}</p> : children}
    </section>
  );
}

function Region(
  { region, nowMs }: { readonly region: RegionStatus; readonly nowMs: number },
): JSX.Element {
  const name = region.region === EDGES ? "edges" : plain(region.region);
  const trouble = regionTrouble(region, nowMs);
  return (
    <section>
      <h2>
        {name} <small>version {String(region.desiredVersion)}</small>
      </h2>
      {trouble === undefined ? null : (
        <p class="problem">
          <strong>{name}</strong> {trouble}
        </p>
      )}
      <p class="facts">
        {region.region === EDGES
          ? null
          : <span>{region.runningInstances} of {count(region.desiredInstances, "instance")}</span>}
        {region.desiredSentinels === 0
          ? null
          : <span>{region.healthySentinels} of {count(region.desiredSentinels, "sentinel")}</span>}
        {region.waitingSince === 0n
          ? <span>no change waits</span>
          : <span>a change waits for {age(Number(region.waitingSince), nowMs)}</span>}
      </p>
      {region.agents.length === 0 ? <p class="calm-text">No agent has been seen today.</p> : (
        <Table
          label={`Agents of ${name}`}
          columns={["agent", "applied", "behind", "observed", "seen"]}
        >
          {region.agents.map((each) => (
            <tr key={each.agentId}>
              <th scope="row">
                <span class="id">{plain(each.agentId)}</span>
                {each.alive ? null : <span class="tag">silent</span>}
              </th>
              <td class="number">{String(each.appliedVersion)}</td>
              <td class="number">{behind(region, each.appliedVersion)}</td>
              <td class="number">{String(each.observedVersion)}</td>
              <td>
                <Ago atMs={Number(each.lastSeenAt)} nowMs={nowMs} />
              </td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  );
}

/** The changes that an agent has not applied. */
function behind({ desiredVersion }: RegionStatus, appliedVersion: bigint): string {
  return appliedVersion >= desiredVersion ? "–" : String(desiredVersion - appliedVersion);
}

function inText(atMs: number, nowMs: number): string {
  return atMs <= nowMs ? "now" : `in ${age(nowMs, atMs)}`;
}
