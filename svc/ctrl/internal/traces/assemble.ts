/** A deploy's trace, from its spans and the steps that still run. Pure. */
import {
  type DeploymentSpansTable,
  type DeploymentStepsTable,
  type DeploymentTracesTable,
  spanIdOf,
  stepSpanId,
} from "../store/mod.ts";
import { followPath, inOrder, nodeOf, type Segment, type TraceNode } from "./tree.ts";

export interface TraceFacts {
  readonly trace: DeploymentTracesTable;
  readonly spans: readonly DeploymentSpansTable[];
  readonly steps: readonly DeploymentStepsTable[];
  readonly nowMs: number;
}

export interface Assembled {
  /** The whole deploy. */
  readonly root: TraceNode;
  /** The critical path. */
  readonly path: readonly Segment[];
}

/** Time by a name. */
export interface Share {
  readonly name: string;
  readonly ms: number;
}

/** Steps as people call them. */
const PHASES: Readonly<Record<DeploymentStepsTable["name"], string>> = {
  queued: "queue",
  building: "build",
  deploying: "start",
  network: "switch",
};
const BUILD = PHASES.building;
const START = PHASES.deploying;
const REGION = "region";
/** Work of the worker before the builder begins. */
const WORKERS_OWN: ReadonlySet<string> = new Set(["look for image", "open context"]);

/** Builds the tree of a deploy, and finds its critical path. */
export function assemble({ trace, spans, steps, nowMs }: TraceFacts): Assembled {
  const id = trace.deployment_id;
  const endMs = trace.ended_at ?? Math.max(nowMs, trace.started_at);
  const root = emptyNode(spanIdOf(id, "api", "root"), { name: "deploy", startMs: trace.started_at, endMs });
  const nodes = new Map<string, TraceNode>([[root.id, root]]);
  const running = steps.filter((step) => trace.ended_at === null && step.status === "running")
    .map((step) => runningNode(id, step, endMs));
  // A start of the deployment much later is no part of its deploy.
  const known = spans.filter((span) => span.started_at < endMs && span.ended_at > trace.started_at);
  for (const span of known) nodes.set(span.id, named(nodeOf(span, Math.min(span.ended_at, endMs))));
  for (const node of running) nodes.set(node.id, node);
  const start = nodes.get(stepSpanId(id, "deploying")) ?? root;
  const regions = new Map<string, TraceNode[]>();
  for (const span of known) {
    const node = nodes.get(span.id);
    if (node === undefined) continue;
    if (span.source === "region") regions.set(span.region, [...regions.get(span.region) ?? [], node]);
    else (nodes.get(span.parent_id) ?? stepAround(span, [...nodes.values()]) ?? root).children.push(node);
  }
  root.children.push(...running);
  for (const [region, parts] of regions) start.children.push(regionNode(id, region, parts));
  for (const node of nodes.values()) node.children.splice(0, Infinity, ...inOrder(node.children));
  return { root, path: followPath(root, nameGap) };
}

/** The parts of the deploy itself by their names, in their order. */
export function phasesOf({ root }: Assembled): readonly Share[] {
  return added(root.children.map(({ name, startMs, endMs }) => ({ name, ms: endMs - startMs })));
}

/** The critical path's time by what was done in it, the longest first. */
export function sharesOf({ path }: Assembled): readonly Share[] {
  const shares = added(path.map(({ node, within, ms }) => ({ name: shareName(node, within[1]), ms })));
  return shares.filter(({ ms }) => ms > 0).toSorted((a, b) => b.ms - a.ms);
}

/** Instructions of a Dockerfile are all one: building. */
function shareName(node: TraceNode, phase: TraceNode | undefined): string {
  return phase?.name === BUILD && node.source !== "gap" && node.name !== "push" ? BUILD : node.name;
}

function added(shares: readonly Share[]): Share[] {
  const sums = new Map<string, number>();
  for (const { name, ms } of shares) sums.set(name, (sums.get(name) ?? 0) + ms);
  return Array.from(sums, ([name, ms]) => ({ name, ms }));
}

/** The worker does some work during steps as well as before them. */
function stepAround({ source, started_at: atMs }: DeploymentSpansTable, nodes: readonly TraceNode[]) {
  if (source !== "worker") return undefined;
  return nodes.find((node) => node.source === "step" && node.startMs <= atMs && atMs < node.endMs);
}

function named(node: TraceNode): TraceNode {
  const phase = Object.entries(PHASES).find(([step]) => node.source === "step" && step === node.name);
  return phase === undefined ? node : { ...node, name: phase[1] };
}

function runningNode(id: string, { name, started_at }: DeploymentStepsTable, endMs: number): TraceNode {
  const node = emptyNode(stepSpanId(id, name), { name: PHASES[name], startMs: started_at, endMs });
  return { ...node, source: "step", status: "running" };
}

/** From the first of its parts to the last. */
function regionNode(id: string, region: string, parts: readonly TraceNode[]): TraceNode {
  const startMs = Math.min(...parts.map((each) => each.startMs));
  const endMs = Math.max(...parts.map((each) => each.endMs));
  const node = emptyNode(spanIdOf(id, "region", region), { name: REGION, startMs, endMs });
  const status = parts.some((each) => each.status === "failed") ? "failed" : "done";
  return { ...node, source: "region", region, status, children: inOrder(parts) };
}

function emptyNode(
  id: string,
  { name, startMs, endMs }: Pick<TraceNode, "name" | "startMs" | "endMs">,
): TraceNode {
  const rest = { source: "api", detail: "", region: "", status: "done" } as const;
  return { ...rest, id, name, startMs, endMs, children: [], isCritical: false };
}

/** The part of the platform that was waited for while no span ran. */
function nameGap(within: TraceNode, before: TraceNode | undefined, after: TraceNode | undefined): string {
  switch (within.name) {
    case BUILD:
      return after === undefined || WORKERS_OWN.has(after.name) ? "workflow" : "builder";
    case START:
      return after === undefined ? "waiting for the worker" : "waiting for the agent";
    case REGION:
      return "agent";
  }
  const isCalled = (node: TraceNode | undefined): boolean =>
    node?.source === "client" || node?.source === "api";
  if (after !== undefined && isCalled(after)) return "command";
  return before === undefined || isCalled(before) ? "waiting for the worker" : "workflow";
}
