/// <reference lib="dom" />
/** The regions of a deployment: what each should run and runs, how far its agents are, and why an instance does not run. */
import type { JSX } from "preact";
import type { RegionStatus } from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import type { Deployment, DeploymentInstance } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { plain } from "../text/format.ts";
import { Table } from "../ui/parts.tsx";
import { regionTrouble } from "./overview_view.tsx";

export interface RegionsProps {
  readonly deployment: Deployment;
  readonly instances: readonly DeploymentInstance[];
  /** Of the platform; empty for a key that may not see them. */
  readonly regions: readonly RegionStatus[];
  readonly nowMs: number;
}

export function DeploymentRegions(props: RegionsProps): JSX.Element | null {
  const { deployment, instances, regions, nowMs } = props;
  const wanted = new Map(deployment.topology?.regions.map((each) => [each.region, each.minInstances]));
  for (const { region, desired } of deployment.scaledRegions) wanted.set(region, desired);
  const names = [...new Set([...wanted.keys(), ...instances.map(({ region }) => region)])].sort();
  if (names.length === 0) return null;
  return (
    <section>
      <h2>Regions</h2>
      <Table
        label="Regions of the deployment"
        columns={["region", "running", "desired, applied, observed", "state"]}
      >
        {names.map((name) => {
          const own = instances.filter(({ region }) => region === name);
          const running = own.filter(({ status }) => status === "running").length;
          const region = regions.find((each) => each.region === name);
          return (
            <tr key={name}>
              <th scope="row">{plain(name)}</th>
              <td>{running} of {wanted.get(name) ?? own.length}</td>
              <td class="number">{region === undefined ? "–" : versionsText(region)}</td>
              <td class="wrap">
                {region === undefined ? "–" : regionTrouble(region, nowMs) ?? "up to date"}
              </td>
            </tr>
          );
        })}
      </Table>
      {instances.filter((each) => each.lastLogLines.length > 0).map((each) => (
        <details key={`${each.region}/${each.name}`}>
          <summary>Last lines of {plain(each.name)}</summary>
          <pre tabIndex={0} role="region" aria-label={`Last lines of ${plain(each.name)}`}>
            {each.lastLogLines.map(plain).join("\n")}
          </pre>
        </details>
      ))}
    </section>
  );
}

/** The version that the region should have, and those of its slowest agent. */
function versionsText({ desiredVersion, agents }: RegionStatus): string {
  const alive = agents.filter((each) => each.alive);
  if (alive.length === 0) return `${desiredVersion}, no agent`;
  const least = (versions: readonly bigint[]): bigint => versions.reduce((a, b) => a < b ? a : b);
  const applied = least(alive.map((each) => each.appliedVersion));
  return `${desiredVersion}, ${applied}, ${least(alive.map((each) => each.observedVersion))}`;
}
