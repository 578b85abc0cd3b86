/// <reference lib="dom" />
/** The overview: a card for each environment, the regions, and the newest deployments. */
import type { JSX } from "preact";
import type { RegionStatus } from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import type { Deployment } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { Card, Overview } from "../api/overview.ts";
import { commitFacts, DeploymentTable } from "../deployments/table.tsx";
import { count, firstLine, plain, safeUrl } from "../text/format.ts";
import { isUnderWay } from "../text/status.ts";
import { Ago, Empty, StatusBadge, Table } from "../ui/parts.tsx";

/** The page of an overview that was read. */
export function OverviewView(
  { overview, nowMs }: { readonly overview: Overview; readonly nowMs: number },
): JSX.Element {
  const { cards, recent, regions } = overview;
  const troubled = regions.filter((each) => regionTrouble(each, nowMs) !== undefined);
  return (
    <>
      <h1>Overview</h1>
      {troubled.map((each) => (
        <p class="problem" role="alert" key={each.region}>
          <strong>{each.region === EDGES ? "edges" : plain(each.region)}</strong> {regionTrouble(each, nowMs)}
        </p>
      ))}
      {cards.length === 0
        ? (
          <Empty title="No project yet" command="unkey init --create">
            In the folder of a Dockerfile, this makes a project. "unkey deploy" then deploys it.
          </Empty>
        )
        : (
          <div class="cards">
            {cards.map((card) => <CardView key={card.environment.id} {...{ card, nowMs }} />)}
          </div>
        )}
      {regions.length === 0 ? null : <Regions regions={regions} nowMs={nowMs} />}
      {recent.length === 0 ? null : <Recent deployments={recent} nowMs={nowMs} more />}
    </>
  );
}

function CardView({ card, nowMs }: { readonly card: Card; readonly nowMs: number }): JSX.Element {
  const { project, environment, live, newest } = card;
  const title = `${plain(project.slug)} ${plain(environment.slug)}`;
  return (
    <section class="card" aria-label={title}>
      <h2>
        <a href={`/environments/${project.id}/${environment.slug}`}>
          {plain(project.slug)} <small>{plain(environment.slug)}</small>
        </a>
        {environment.rolledBack ? <span class="tag">rolled back</span> : null}
      </h2>
      {live === undefined
        ? <p class="calm-text">Nothing is live here.</p>
        : <Line deployment={live} nowMs={nowMs} label="live" />}
      {newest === undefined ? null : (
        <Line
          deployment={newest}
          nowMs={nowMs}
          label={isUnderWay(newest.status) ? "deploying" : "newest"}
        />
      )}
      {live === undefined ? null : <Address deployment={live} />}
    </section>
  );
}

/** A deployment in two lines. */
export function Line(
  { deployment, nowMs, label }: {
    readonly deployment: Deployment;
    readonly nowMs: number;
    readonly label: string;
  },
): JSX.Element {
  const message = firstLine(deployment.gitCommitMessage);
  return (
    <div class="line">
      <p>
        <StatusBadge status={deployment.status} />
        <a href={`/deployments/${deployment.id}`}>{message === "" ? deployment.id : message}</a>
      </p>
      <p class="facts">
        <span>{label}</span>
        <Ago atMs={Number(deployment.createdAt)} nowMs={nowMs} />
        {commitFacts(deployment).map((each) => <span key={each}>{each}</span>)}
        {deployment.asleepSince !== 0n && !deployment.waking ? <span>asleep</span> : null}
        {deployment.desiredInstances === 0
          ? null
          : <span>{deployment.runningInstances} of {count(deployment.desiredInstances, "instance")}</span>}
      </p>
    </div>
  );
}

/** The first URL of a deployment. */
export function Address({ deployment }: { readonly deployment: Deployment }): JSX.Element | null {
  const url = safeUrl(deployment.urls[0] ?? "");
  if (url === undefined) return null;
  return (
    <p class="address">
      <a href={url} target="_blank" rel="noreferrer noopener">{url.replace(/\/$/, "")}</a>
    </p>
  );
}

function Regions(
  { regions, nowMs }: { readonly regions: readonly RegionStatus[]; readonly nowMs: number },
): JSX.Element {
  return (
    <section>
      <h2>Regions</h2>
      <Table label="Regions" columns={["region", "instances", "agents", "state"]}>
        {regions.map((each) => (
          <tr key={each.region}>
            <th scope="row">{each.region === EDGES ? "edges" : plain(each.region)}</th>
            <td>
              {each.region === EDGES ? "–" : `${each.runningInstances} of ${each.desiredInstances}`}
            </td>
            <td class="number">{each.agents.filter((agent) => agent.alive).length}</td>
            <td>{regionTrouble(each, nowMs) ?? "up to date"}</td>
          </tr>
        ))}
      </Table>
    </section>
  );
}

/** The region of all edges. */
export const EDGES = "*";
const LAG_MS = 15_000;

/** The trouble of a region as the end of a sentence; `undefined`: there is none. */
export function regionTrouble(region: RegionStatus, nowMs: number): string | undefined {
  if (region.silentSince > 0n) return "sends no heartbeats: no request goes there.";
  if (region.waitingSince > 0n && nowMs - Number(region.waitingSince) > LAG_MS) {
    const why = region.lastNackError === "" ? "" : ` Its agent said: ${plain(region.lastNackError)}`;
    return `has changes that wait.${why}`;
  }
  return region.refusedDeployments > 0
    ? `does not run ${count(region.refusedDeployments, "deployment")}: it refuses them or has no room.`
    : undefined;
}

/** Deployments as a table, newest first. */
export function Recent(
  { deployments, nowMs, more = false }: {
    readonly deployments: readonly Deployment[];
    readonly nowMs: number;
    /** With a link to all of them. */
    readonly more?: boolean;
  },
): JSX.Element {
  return (
    <section>
      <h2>Newest deployments</h2>
      <DeploymentTable label="Newest deployments" deployments={deployments} nowMs={nowMs} />
      {more
        ? (
          <p>
            <a href="/deployments">All deployments</a>
          </p>
        )
        : null}
    </section>
  );
}
