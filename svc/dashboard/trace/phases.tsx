/// <reference lib="dom" />
/** The phases of a deploy beside those of the last successful one before it. */
import type { JSX } from "preact";
import type { DeploymentTrace } from "../../../proto/gen/ctrl/v1/trace_pb.ts";
import { duration, plain } from "../text/format.ts";
import { Table } from "../ui/parts.tsx";

/** Nothing before there is a deploy to compare with. */
export function Phases(
  { trace, nowMs }: { readonly trace: DeploymentTrace; readonly nowMs: number },
): JSX.Element | null {
  const { before } = trace;
  if (before === undefined) return null;
  return (
    <>
      <h3>
        Beside <a class="id" href={`/deployments/${before.deploymentId}`}>{before.deploymentId}</a>
      </h3>
      <Table
        label="Phases beside the last successful deploy"
        columns={["phase", "this", "that", "difference"]}
      >
        {comparedPhases(trace, nowMs).map(({ name, ms, beforeMs }) => (
          <tr key={name}>
            <th scope="row">{plain(name)}</th>
            <td class="number">{ms === undefined ? "–" : duration(ms)}</td>
            <td class="number">{beforeMs === undefined ? "–" : duration(beforeMs)}</td>
            <td class="number">{differenceText(ms, beforeMs)}</td>
          </tr>
        ))}
      </Table>
    </>
  );
}

interface Phase {
  readonly name: string;
  /** Absent: this deploy has had no such phase yet. */
  readonly ms: number | undefined;
  /** Absent: the one before had none. */
  readonly beforeMs: number | undefined;
}

/** In the order of this deploy, then those that only the one before had. */
export function comparedPhases({ spans, before }: DeploymentTrace, nowMs: number): readonly Phase[] {
  const now = new Map<string, number>();
  for (const { parentId, name, startedAt, endedAt } of spans) {
    if (parentId !== "") continue;
    const ms = Math.max(0, (endedAt === 0n ? nowMs : Number(endedAt)) - Number(startedAt));
    now.set(name, (now.get(name) ?? 0) + ms);
  }
  const former = new Map(before?.phases.map(({ name, tookMs }) => [name, Number(tookMs)]));
  const names = new Set([...now.keys(), ...former.keys()]);
  return [...names].map((name) => ({ name, ms: now.get(name), beforeMs: former.get(name) }));
}

function differenceText(ms: number | undefined, beforeMs: number | undefined): string {
  if (ms === undefined || beforeMs === undefined) return "–";
  const more = ms - beforeMs;
  return more === 0 ? "same" : `${more > 0 ? "+" : "−"}${duration(Math.abs(more))}`;
}
