import assert from "node:assert/strict";
import { type Action, type ContainerState, plan } from "./plan.ts";

const found = (ordinal: number, changes: Partial<ContainerState> = {}): ContainerState => ({
  id: `c${ordinal}`,
  ordinal,
  hash: "h",
  status: "running",
  ...changes,
});

const CASES: readonly {
  readonly name: string;
  readonly replicas: number;
  readonly found: readonly ContainerState[];
  readonly want: readonly Action[];
}[] = [
  {
    name: "nothing runs yet",
    replicas: 2,
    found: [],
    want: [{ kind: "create", ordinal: 0 }, { kind: "create", ordinal: 1 }],
  },
  { name: "all is as it should be", replicas: 2, found: [found(0), found(1)], want: [] },
  { name: "Docker restarts it itself", replicas: 1, found: [found(0, { status: "restarting" })], want: [] },
  {
    name: "stopped by hand",
    replicas: 1,
    found: [found(0, { status: "exited" })],
    want: [{ kind: "start", ordinal: 0, id: "c0" }],
  },
  {
    name: "created, and the agent died before the start",
    replicas: 1,
    found: [found(0, { status: "created" })],
    want: [{ kind: "start", ordinal: 0, id: "c0" }],
  },
  {
    name: "another spec: the new one comes when the name is free",
    replicas: 1,
    found: [found(0, { hash: "old" })],
    want: [{ kind: "retire", id: "c0" }, { kind: "create", ordinal: 0 }],
  },
  { name: "fewer replicas", replicas: 1, found: [found(0), found(1)], want: [{ kind: "retire", id: "c1" }] },
  { name: "none wanted", replicas: 0, found: [found(0)], want: [{ kind: "retire", id: "c0" }] },
  {
    name: "a dead container is cleared and created again",
    replicas: 1,
    found: [found(0, { status: "dead" })],
    want: [{ kind: "clear", id: "c0" }, { kind: "create", ordinal: 0 }],
  },
  {
    name: "two of one ordinal",
    replicas: 1,
    found: [found(0), found(0, { id: "twin" })],
    want: [{ kind: "retire", id: "twin" }],
  },
  {
    name: "an ordinal that cannot be read",
    replicas: 1,
    found: [found(0), found(-1)],
    want: [{ kind: "retire", id: "c-1" }],
  },
];

Deno.test("plan()", async (t) => {
  for (const { name, replicas, found, want } of CASES) {
    await t.step(name, () => assert.deepEqual(plan(replicas, "h", found), want));
  }
});
