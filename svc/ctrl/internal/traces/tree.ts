/** The spans of a deploy as a tree, with its critical path. Pure. */
import type { DeploymentSpansTable, SpanSource, SpanStatus } from "../store/mod.ts";

/** A span, or a gap between spans, in its place. */
export interface TraceNode {
  readonly id: string;
  readonly source: SpanSource | "gap";
  readonly name: string;
  readonly detail: string;
  readonly region: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly status: SpanStatus | "running";
  /** In the order of their begins. */
  readonly children: TraceNode[];
  /** The deploy would have ended sooner if this had been shorter. */
  isCritical: boolean;
}

/** A part of the critical path: some time of a span without parts, or of a gap. */
export interface Segment {
  readonly node: TraceNode;
  /** The spans that it is a part of, the outermost first. */
  readonly within: readonly TraceNode[];
  readonly ms: number;
}

/** Two reporters' times of one moment differ by so much. */
const OVERLAP_MS = 10;

/** A node of one span. */
export function nodeOf(span: DeploymentSpansTable, endMs = span.ended_at): TraceNode {
  const { id, source, name, detail, region, status } = span;
  const startMs = span.started_at;
  return { id, source, name, detail, region, status, startMs, endMs, children: [], isCritical: false };
}

/** Puts children in order. */
export function inOrder(nodes: readonly TraceNode[]): TraceNode[] {
  return nodes.toSorted((a, b) => a.startMs - b.startMs || a.endMs - b.endMs || (a.id < b.id ? -1 : 1));
}

/**
 * Follows the critical path back from the end of `node`: the part that ended last was waited for, before it the one
 * that ended last before its begin, and so on. Time in which no part ran becomes a child, too, so that segments add up to
 * the whole.
 */
export function followPath(
  node: TraceNode,
  nameGap: (within: TraceNode, before: TraceNode | undefined, after: TraceNode | undefined) => string,
  { endMs = node.endMs, within = [] }: { readonly endMs?: number; readonly within?: readonly TraceNode[] } =
    {},
): Segment[] {
  node.isCritical = true;
  if (node.children.length === 0) return [{ node, within, ms: Math.max(0, endMs - node.startMs) }];
  const inside = [...within, node];
  const segments: Segment[] = [];
  const gaps: TraceNode[] = [];
  let after: TraceNode | undefined;
  for (let at = endMs; at > node.startMs;) {
    // Of parts side by side, one that still ran when the next one began was not waited for. Those of the deploy itself
    // follow each other.
    const isSequence = within.length === 0 || after === undefined;
    const part = lastBefore(node.children, at, isSequence ? Infinity : at + OVERLAP_MS);
    const partEndMs = part === undefined ? node.startMs : Math.max(node.startMs, Math.min(part.endMs, at));
    if (partEndMs < at) {
      const gap = gapNode(node, { name: nameGap(node, part, after), startMs: partEndMs, endMs: at });
      gaps.push(gap);
      segments.push({ node: gap, within: inside, ms: at - partEndMs });
    }
    if (part === undefined) break;
    segments.push(...followPath(part, nameGap, { endMs: partEndMs, within: inside }));
    after = part;
    at = part.startMs;
  }
  node.children.splice(0, Infinity, ...inOrder([...node.children, ...gaps]));
  return segments;
}

/** The part that ended last of those that began before `at`, and ended by `endMsMax`. */
function lastBefore(parts: readonly TraceNode[], at: number, endMsMax: number): TraceNode | undefined {
  let found: TraceNode | undefined;
  for (const part of parts) {
    if (part.startMs >= at || part.startMs === part.endMs || part.endMs > endMsMax) continue;
    const [endMs, foundMs] = [Math.min(part.endMs, at), Math.min(found?.endMs ?? -Infinity, at)];
    // Of two that both ran until then, the longer one.
    if (endMs > foundMs || (endMs === foundMs && part.startMs < (found?.startMs ?? at))) found = part;
  }
  return found;
}

function gapNode(
  parent: TraceNode,
  { name, startMs, endMs }: Pick<TraceNode, "name" | "startMs" | "endMs">,
): TraceNode {
  const rest = { detail: "", region: parent.region, status: "done", children: [] } as const;
  return {
    ...rest,
    children: [],
    id: `${parent.id}-${startMs}`,
    source: "gap",
    name,
    startMs,
    endMs,
    isCritical: true,
  };
}
