/// <reference lib="dom" />
/** A deployment: its state, why it failed, and what its instances do. */
import type { ComponentChildren, JSX } from "preact";
import type { Deployment, DeploymentInstance } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { type Act, actsOf, actWord } from "../api/acts.ts";
import { count, duration, firstLine, plain } from "../text/format.ts";
import { isUnderWay } from "../text/status.ts";
import { Ago, Command, StatusBadge, Table } from "../ui/parts.tsx";
import { commitFacts } from "../deployments/table.tsx";
import { Address } from "./overview_view.tsx";

export interface DeploymentViewProps {
  readonly deployment: Deployment;
  readonly instances: readonly DeploymentInstance[];
  /** From the begin of the command to the end, or until now; absent when it is not known. */
  readonly tookMs: number | undefined;
  readonly nowMs: number;
  readonly onAct: (act: Act) => void;
}

/** Everything above the time and the output. */
export function DeploymentView(
  { deployment, instances, tookMs, nowMs, onAct }: DeploymentViewProps,
): JSX.Element {
  const title = firstLine(deployment.gitCommitMessage) ||
    `${plain(deployment.projectSlug)} ${plain(deployment.environmentSlug)}`;
  const acts = actsOf(deployment);
  return (
    <>
      <h1>{title}</h1>
      <div class="bar">
        <StatusBadge status={deployment.status} />
        {deployment.live ? <span class="tag">live</span> : null}
        {deployment.environmentRolledBack ? <span class="tag">environment rolled back</span> : null}
        <span class="grow" />
        {acts.map((act) => (
          <button key={act} type="button" onClick={() => onAct(act)}>{actWord(act, deployment)}</button>
        ))}
      </div>
      <Failure deployment={deployment} />
      <Queue deployment={deployment} />
      <Address deployment={deployment} />
      <Facts deployment={deployment} tookMs={tookMs} nowMs={nowMs} />
      {instances.length === 0 ? null : <Instances instances={instances} nowMs={nowMs} />}
      <p class="calm-text">The same in a terminal:</p>
      <Command text={`unkey status ${deployment.id}`} />
    </>
  );
}

/** Why it failed: the text of the command line, the exit code, and the last lines. */
function Failure({ deployment }: { readonly deployment: Deployment }): JSX.Element | null {
  const { errorMessage, failureCode, failureDetails: details } = deployment;
  if (errorMessage === "" && failureCode === "") return null;
  return (
    <div class="problem" role="alert">
      <strong>
        {failureCode === "" ? "It ended" : failureCode.replaceAll("_", " ")}
        {details?.exitCode === undefined ? "" : `, exit code ${details.exitCode}`}
      </strong>
      <p>{plain(errorMessage)}</p>
      {details === undefined || details.origin === "" ? null : <p>{plain(details.origin)}</p>}
      {details === undefined || details.logLines.length === 0 ? null : (
        <pre
          tabIndex={0}
          role="region"
          aria-label="Last lines"
        >{details.logLines.map(plain).join("\n")}</pre>
      )}
    </div>
  );
}

/** Its place in the queue, and what it waits for. */
function Queue({ deployment }: { readonly deployment: Deployment }): JSX.Element | null {
  if (deployment.queuePosition === 0) return null;
  return (
    <p role="status">
      Place {deployment.queuePosition} in the queue. {plain(deployment.queueBlocker)}{" "}
      {deployment.queueBlockerIds.map((id) => <a key={id} href={`/deployments/${id}`}>{id}</a>)}
    </p>
  );
}

function Facts(
  { deployment, tookMs, nowMs }: {
    readonly deployment: Deployment;
    readonly tookMs: number | undefined;
    readonly nowMs: number;
  },
): JSX.Element {
  const commit = commitFacts(deployment).join(" · ");
  const regions = deployment.topology?.regions.map(({ region }) => plain(region)).join(", ") ?? "";
  const { redeployOf, imageSourceDeploymentId: source, stop } = deployment;
  return (
    <dl>
      <Fact term="deployment">
        <span class="id">{deployment.id}</span>
      </Fact>
      <Fact term="where">
        {plain(deployment.projectSlug)} {plain(deployment.environmentSlug)}
        {regions === "" ? "" : ` in ${regions}`}
      </Fact>
      {commit === "" ? null : <Fact term="commit">{commit}</Fact>}
      <Fact term="created">
        <Ago atMs={Number(deployment.createdAt)} nowMs={nowMs} />
      </Fact>
      {tookMs === undefined
        ? null
        : <Fact term={isUnderWay(deployment.status) ? "runs for" : "took"}>{duration(tookMs)}</Fact>}
      {redeployOf === "" ? null : (
        <Fact term="redeploy of">
          <a href={`/deployments/${redeployOf}`}>{redeployOf}</a>
        </Fact>
      )}
      {source === "" ? null : (
        <Fact term="image of">
          <a href={`/deployments/${source}`}>{source}</a>
        </Fact>
      )}
      {stop === undefined ? null : <Fact term="stopped">{plain(stop.message)}</Fact>}
      {deployment.asleepSince === 0n || deployment.waking
        ? null
        : <Fact term="asleep">since its last requests: the next one wakes it</Fact>}
      {deployment.desiredInstances === 0 ? null : (
        <Fact term="running">
          {deployment.runningInstances} of {count(deployment.desiredInstances, "instance")}
        </Fact>
      )}
    </dl>
  );
}

function Fact(
  { term, children }: { readonly term: string; readonly children: ComponentChildren },
): JSX.Element {
  return (
    <>
      <dt>{term}</dt>
      <dd>{children}</dd>
    </>
  );
}

function Instances(
  { instances, nowMs }: { readonly instances: readonly DeploymentInstance[]; readonly nowMs: number },
): JSX.Element {
  return (
    <Table label="Instances" columns={["instance", "region", "state", "restarts", "changed"]}>
      {instances.map((each) => (
        <tr key={`${each.region}/${each.name}`}>
          <th scope="row">
            <span class="id">{plain(each.name)}</span>
          </th>
          <td>{plain(each.region)}</td>
          <td class="cut" title={plain(each.message)}>
            {plain(each.status)}
            {each.message === "" ? "" : `: ${plain(each.message)}`}
          </td>
          <td class="number">{each.restarts}</td>
          <td>
            <Ago atMs={Number(each.updatedAt)} nowMs={nowMs} />
          </td>
        </tr>
      ))}
    </Table>
  );
}
