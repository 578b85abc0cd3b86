/// <reference lib="dom" />
/** Deployments as a table, which stays fast with 1,000 rows: a row is made again only when it changes. */
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { Deployment } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { age, firstLine, plain, shortSha } from "../text/format.ts";
import { StatusBadge, Table } from "../ui/parts.tsx";

export function DeploymentTable(
  { label, deployments, nowMs }: {
    /** For screen readers. */
    readonly label: string;
    readonly deployments: readonly Deployment[];
    readonly nowMs: number;
  },
): JSX.Element {
  return (
    <Table label={label} columns={["deployment", "status", "where", "commit", "created"]}>
      {deployments.map((each) => (
        <Row key={each.id} deployment={each} created={age(Number(each.createdAt), nowMs)} />
      ))}
    </Table>
  );
}

function Row(
  { deployment, created }: { readonly deployment: Deployment; readonly created: string },
): JSX.Element {
  return useMemo(() => {
    const { id, status, live, projectSlug, environmentSlug, gitCommitMessage, createdAt } = deployment;
    const whole = new Date(Number(createdAt)).toISOString();
    return (
      <tr>
        <th scope="row">
          <a class="id" href={`/deployments/${id}`}>{id}</a>
        </th>
        <td>
          <StatusBadge status={status} />
          {live ? <span class="tag">live</span> : null}
        </td>
        <td>{plain(projectSlug)} {plain(environmentSlug)}</td>
        <td class="cut">{firstLine(gitCommitMessage) || commitFacts(deployment).join(" ") || "–"}</td>
        <td>
          <time dateTime={whole} title={whole}>{created} ago</time>
        </td>
      </tr>
    );
  }, [deployment, created]);
}

/** Commit, branch and author, where they are known. */
export function commitFacts(deployment: Deployment): readonly string[] {
  const { gitCommitSha, gitBranch, gitCommitAuthorHandle } = deployment;
  return [shortSha(gitCommitSha), gitBranch, gitCommitAuthorHandle].map(plain).filter((each) => each !== "");
}
