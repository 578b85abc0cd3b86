import assert from "node:assert/strict";
import type { Clock } from "../../../../../pkg/clock/mod.ts";
import { BusyNodes } from "./busy_nodes.ts";
import { Pod } from "./objects.ts";

interface Shape {
  readonly node?: string;
  readonly state?: unknown;
  readonly deleted?: boolean;
}

function pod({ node = "node-1", state, deleted = false }: Shape): Pod {
  return Pod.parse({
    metadata: {
      name: "x",
      uid: "u",
      resourceVersion: "1",
      creationTimestamp: "2026-05-01T12:00:00Z",
      ...(deleted ? { deletionTimestamp: "2026-05-01T12:00:01Z" } : {}),
    },
    spec: { nodeName: node, containers: [] },
    status: {
      phase: "Pending",
      containerStatuses: state === undefined ? [] : [{ name: "deployment", state }],
    },
  });
}

const CREATING = { state: { waiting: { reason: "ContainerCreating" } } };

function many(shape: Shape): Pod[] {
  return Array.from({ length: 6 }, () => pod(shape));
}

function busyNodes(pods: readonly Pod[]): { nodes: BusyNodes; later: () => void } {
  let now = 1_000;
  const clock: Clock = { now: () => now, sleep: () => Promise.reject(new Error("no sleep")) };
  return { nodes: new BusyNodes(() => pods, clock), later: () => now += 500 };
}

Deno.test("a node is busy while it is starting many pods, and no longer", () => {
  const pods = [...many(CREATING), pod({ ...CREATING, node: "node-2" })];
  const { nodes, later } = busyNodes(pods);
  assert.ok(nodes.has("node-1"));
  assert.ok(!nodes.has("node-2"));
  pods.splice(0, 1, pod({ state: { running: {} } }));
  later();
  assert.ok(!nodes.has("node-1"));
});

/** They stay like that for hours: what waits for them would always wait as long as it may. */
Deno.test("pods that have no place, cannot be started or are going make no node busy", () => {
  const idle = [
    { node: "" },
    { state: { waiting: { reason: "ImagePullBackOff" } } },
    { state: { waiting: { reason: "CreateContainerConfigError" } } },
    { ...CREATING, deleted: true },
  ];
  for (const shape of idle) assert.ok(!busyNodes(many(shape)).nodes.has(shape.node ?? "node-1"));
});
