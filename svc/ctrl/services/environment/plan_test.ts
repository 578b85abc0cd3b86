import assert from "node:assert/strict";
import { type Change, fingerprintOf, type Live, planChanges, type Stored, type Wanted } from "./plan.ts";

const NOTHING: Wanted = {
  size: {},
  settings: {},
  appProtocol: undefined,
  idleEndSeconds: undefined,
  variables: new Map(),
  requiredVariables: [],
  domains: new Map(),
  prune: false,
};
const EMPTY: Stored = {
  size: {},
  sizeSetAtMs: 0,
  settings: {},
  idleEndSeconds: undefined,
  variables: new Map(),
  domains: new Map(),
};
const LIVE: Live = {
  id: "d_1",
  createdAtMs: 100,
  size: { cpuMillicores: 256, memoryMib: 256, replicas: 0 },
  own: {},
  settings: {},
  appProtocol: "",
  variables: new Map(),
};

function rows(
  wanted: Partial<Wanted>,
  stored: Partial<Stored> = {},
  live: Partial<Live> | null = {},
): string[] {
  const now = live === null ? undefined : { ...LIVE, ...live };
  return planChanges({ ...NOTHING, ...wanted }, { ...EMPTY, ...stored }, now).changes.map(text);
}

function text({ setting, live = "-", stored = "-", wanted = "-", action, effect }: Change): string {
  return `${setting}: ${live} | ${stored} | ${wanted} | ${action} ${effect}`;
}

Deno.test("a plan has a row for each value that is stored otherwise, or does not run", async (t) => {
  const cases: readonly [string, string[], readonly string[]][] = [
    ["nothing wanted", rows({}), []],
    [
      "the same value",
      rows({ settings: { port: 3000 } }, { settings: { port: 3000 } }, {
        settings: { port: 3000 },
      }),
      [],
    ],
    ["a new value", rows({ settings: { port: 3000 } }), ["port: - | - | 3000 | set redeploy"]],
    ["a value that waits", rows({}, { settings: { port: 3000 } }), [
      "port: - | 3000 | 3000 | none redeploy",
    ]],
    [
      "the live deployment's own value",
      rows({ settings: { port: 3000 } }, {}, {
        own: { port: 4000 },
        settings: { port: 4000 },
      }),
      ["port: 4000 | - | 3000 | set deploy"],
    ],
    [
      "a value that runs already",
      rows({ settings: { port: 3000 } }, {}, {
        own: { port: 3000 },
        settings: { port: 3000 },
      }),
      ["port: 3000 | - | 3000 | set none"],
    ],
    ["nothing live", rows({ settings: { port: 3000 } }, {}, null), ["port: - | - | 3000 | set deploy"]],
    ["nothing live and nothing to change", rows({}, { settings: { port: 3000 } }, null), []],
  ];
  for (const [name, found, expected] of cases) await t.step(name, () => assert.deepEqual(found, expected));
});

Deno.test("a size runs with a redeploy when it is set now or was set since, else with a deploy", () => {
  const size = { memoryMib: 512 };
  assert.deepEqual(rows({ size }), ["memory: 256 MiB | - | 512 MiB | set redeploy"]);
  assert.deepEqual(rows({ size }, { size, sizeSetAtMs: 100 }), [
    "memory: 256 MiB | 512 MiB | 512 MiB | none redeploy",
  ]);
  assert.deepEqual(rows({ size }, { size, sizeSetAtMs: 99 }), [
    "memory: 256 MiB | 512 MiB | 512 MiB | none deploy",
  ]);
});

Deno.test("a health check replaces the former as a whole, and values of headers are not shown", () => {
  const former = { kind: "http", path: "/up", headers: { "x-key": "s3cret", "x-old": "s3cret" } } as const;
  const settings = {
    healthCheck: { kind: "http", intervalSeconds: 5, headers: { "x-key": "0ther" } },
  } as const;
  assert.deepEqual(rows({ settings }, { settings: { healthCheck: former } }), [
    "healthCheck.headers.x-key: - | (set) | (another value) | set redeploy",
    "healthCheck.headers.x-old: - | (set) | - | remove none",
    "healthCheck.interval: - | - | 5s | set redeploy",
    "healthCheck.path: - | /up | - | remove none",
    "healthCheck.type: - | http | http | none redeploy",
  ]);
});

Deno.test("bounds and targets are merged value by value, and hold at once unless the live deployment has its own", () => {
  const settings = { scaling: { max: 5 } };
  const stored = { settings: { scaling: { min: 1, cpuPercent: 70 } } };
  assert.deepEqual(rows({ settings }, stored), ["scaling.max: - | - | 5 | set at_once"]);
  assert.deepEqual(planChanges({ ...NOTHING, settings }, { ...EMPTY, ...stored }, LIVE).settings, {
    scaling: { min: 1, cpuPercent: 70, max: 5 },
  });
  const own = { scaling: { min: 1, max: 3, cpuPercent: 70 } };
  assert.deepEqual(rows({ settings }, stored, { own, settings: own }), [
    "scaling.max: 3 | - | 5 | set deploy",
  ]);
});

Deno.test("variables are compared by digests, and named only", () => {
  const variables = new Map([["A", "1"], ["B", "2"], ["C", "3"]]);
  const stored = { variables: new Map([["A", "1"], ["B", "0"], ["D", "4"]]) };
  const live = { variables: new Map([["A", "1"], ["B", "0"]]) };
  assert.deepEqual(rows({ variables }, stored, live), [
    "variables.B: (set) | (set) | (another value) | set redeploy",
    "variables.C: - | - | (set) | set redeploy",
    "variables.D: - | (set) | (set) | none redeploy",
  ]);
});

Deno.test("pruning removes what is not wanted, but for variables that are required, the idle end and domains", () => {
  const stored: Stored = {
    ...EMPTY,
    size: { memoryMib: 512, replicas: 2 },
    settings: { port: 3000, scaling: { max: 2, cpuPercent: 50 } },
    idleEndSeconds: 60,
    variables: new Map([["A", "1"], ["B", "2"]]),
  };
  const wanted = { ...NOTHING, size: { replicas: 2 }, requiredVariables: ["B"], prune: true };
  const plan = planChanges(wanted, stored, { ...LIVE, variables: stored.variables });
  assert.deepEqual(plan.changes.filter(({ action }) => action === "remove").map(({ setting }) => setting), [
    "memory",
    "port",
    "scaling.cpu",
    "scaling.max",
    "variables.A",
  ]);
  assert.deepEqual([plan.size, plan.settings, plan.removedVariables], [{ replicas: 2 }, {}, ["A"]]);
});

Deno.test("domains, the idle end and the protocol have rows where they differ", () => {
  const domains = new Map([["a.example", ""], ["b.example", "a.example"], ["c.example", ""]]);
  const stored = { domains: new Map([["a.example", ""], ["c.example", "a.example"]]) };
  assert.deepEqual(rows({ domains, idleEndSeconds: 0, appProtocol: "h2c" }, stored), [
    "domains.b.example: - | - | redirects to a.example | set at_once",
    "domains.c.example: redirects to a.example | redirects to a.example | serves | set at_once",
    "idleEnd: operator's | operator's | never | set at_once",
    "protocol: http1 | - | h2c | none deploy",
  ]);
  assert.deepEqual(
    [604_800, 43_200, 5_400, 61].map((idleEndSeconds) => rows({ idleEndSeconds }, { idleEndSeconds: 0 })[0]),
    ["7d", "12h", "90m", "61s"].map((text) => `idleEnd: never | never | ${text} | set at_once`),
  );
});

Deno.test("a fingerprint changes with what is wanted, what is stored and the live deployment, and with nothing else", () => {
  const variables = new Map([["A", "1"], ["B", "2"]]);
  const first = fingerprintOf({ ...NOTHING, variables }, EMPTY, LIVE);
  const turned = new Map([...variables].reverse());
  assert.equal(fingerprintOf({ ...NOTHING, variables: turned }, EMPTY, { ...LIVE, createdAtMs: 1 }), first);
  const others = [
    fingerprintOf({ ...NOTHING, variables: new Map([["A", "1"], ["B", "3"]]) }, EMPTY, LIVE),
    fingerprintOf({ ...NOTHING, variables, prune: true }, EMPTY, LIVE),
    fingerprintOf({ ...NOTHING, variables }, { ...EMPTY, settings: { port: 1 } }, LIVE),
    fingerprintOf({ ...NOTHING, variables }, { ...EMPTY, variables }, LIVE),
    fingerprintOf({ ...NOTHING, variables }, EMPTY, { ...LIVE, id: "d_2" }),
    fingerprintOf({ ...NOTHING, variables }, EMPTY, undefined),
  ];
  assert.equal(new Set([first, ...others]).size, 7);
});
