import assert from "node:assert/strict";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ApplyDeploymentSchema, HealthCheck_Kind as Kind } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import {
  decodeHealthCheck,
  expects,
  failingText,
  type HealthCheck,
  healthCheckProblems,
  plainCheck,
  unsettledMs,
} from "./health_check.ts";

type Sent = MessageInitShape<typeof ApplyDeploymentSchema>;

const DECODED: readonly (readonly [name: string, sent: Sent, check: HealthCheck])[] = [
  ["nothing asks the port", {}, plainCheck("")],
  ["an older control plane sends a path", { healthCheckPath: "/up" }, plainCheck("/up")],
  [
    "a check of no kind leaves the older fields to count",
    { healthCheckPath: "/up", healthCheckHost: "a.b", healthCheck: { path: "/other" } },
    plainCheck("/up", "a.b"),
  ],
  [
    "a check counts for more than the older fields",
    { healthCheckPath: "/old", healthCheck: { kind: Kind.HTTP, path: "/new" } },
    plainCheck("/new"),
  ],
  ["a port", { healthCheckPath: "/old", healthCheck: { kind: Kind.PORT } }, plainCheck("")],
  [
    "a command",
    { healthCheck: { kind: Kind.COMMAND, command: ["a", "b"], restartMs: 5 } },
    { ...plainCheck(""), kind: "command", command: ["a", "b"], restartMs: 5 },
  ],
  [
    "none, with the time that it has to run",
    { healthCheck: { kind: Kind.NONE, settleMs: 10_000 } },
    { ...plainCheck(""), kind: "none", settleMs: 10_000 },
  ],
  [
    "a time to run without effect",
    { healthCheck: { kind: Kind.PORT, settleMs: 10_000 } },
    plainCheck(""),
  ],
  [
    "HEAD, and status codes",
    { healthCheck: { kind: Kind.HTTP, path: "/", method: "HEAD", expectedStatus: "204" } },
    { ...plainCheck("/"), method: "HEAD", expectedStatus: "204" },
  ],
  [
    "a method of a newer control plane is GET",
    { healthCheck: { kind: Kind.HTTP, path: "/", method: "PATCH" } },
    plainCheck("/"),
  ],
];

Deno.test("decodeHealthCheck() reads checks of all control planes", async (t) => {
  for (const [name, sent, check] of DECODED) {
    await t.step(name, () => assert.deepEqual(decodeHealthCheck(create(ApplyDeploymentSchema, sent)), check));
  }
});

const PROBLEMS:
  readonly (readonly [name: string, changes: Partial<HealthCheck>, problems: readonly string[]])[] = [
    ["nothing is wrong", {}, []],
    ["a path without its slash", { path: "up" }, ["health_check_path does not begin with a slash"]],
    ["a path without effect", { kind: "port", path: "up" }, []],
    ["a host with a port", { host: "shop.example:8080" }, []],
    ["an address of IPv6", { host: "fd00::1" }, []],
    ["a host with a line break", { host: "a\r\nx: y" }, ["health_check_host is no host"]],
    ["a host that is too long", { host: "a".repeat(261) }, ["health_check_host is no host"]],
    ["no command", { kind: "command" }, ["health_check has no command"]],
    ["no times", { intervalMs: 0, timeoutMs: 0, unhealthyMs: 0, restartMs: 0 }, []],
    ["a run of less than no time", { kind: "none", settleMs: -1 }, ["a time of health_check is negative"]],
    ["a time before now", { restartMs: -1 }, ["a time of health_check is negative"]],
    [
      "everything is reported at once",
      { path: "", host: "a b", expectedStatus: "", intervalMs: -1, timeoutMs: -1 },
      [
        "health_check_path does not begin with a slash",
        "health_check_host is no host",
        "health_check.expected_status is no list",
        "a time of health_check is negative",
      ],
    ],
  ];

Deno.test("healthCheckProblems() names each thing that cannot be asked, once", async (t) => {
  for (const [name, changes, problems] of PROBLEMS) {
    await t.step(name, () => {
      assert.deepEqual(healthCheckProblems({ ...plainCheck("/up"), ...changes }), problems);
    });
  }
});

Deno.test("unsettledMs() counts from the start of the run, and never below 0", () => {
  const check = { ...plainCheck(""), kind: "none", settleMs: 10_000 } as const;
  assert.deepEqual([100_000, 103_000, 110_000, 500_000].map((nowMs) => unsettledMs(check, 100_000, nowMs)), [
    10_000,
    7_000,
    0,
    0,
  ]);
  assert.equal(unsettledMs(plainCheck(""), 100_000, 100_000), 0, "an app with a check has no such time");
});

/** The codes that count, and the ones next to them that do not. */
const STATUS: readonly (readonly [list: string, healthy: readonly number[], sick: readonly number[]])[] = [
  ["200-399", [200, 301, 399], [199, 400, 503]],
  ["204", [204], [203, 205, 200]],
  ["200,401", [200, 401], [201, 400, 402]],
  ["200-204,301-302,500", [200, 204, 301, 302, 500], [205, 300, 303, 499]],
  ["200-200", [200], [199, 201]],
];
const NO_LIST = [
  "",
  "2xx",
  "200 ",
  "200,",
  ",200",
  "200-",
  "-399",
  "20",
  "2000",
  "200--399",
  "200-299-399",
  "200;401",
];

Deno.test("expects() knows lists of codes and ranges, and nothing else is one", async (t) => {
  for (const [expectedStatus, healthy, sick] of STATUS) {
    await t.step(expectedStatus, () => {
      for (const status of healthy) assert.equal(expects({ expectedStatus }, status), true, `${status}`);
      for (const status of sick) assert.equal(expects({ expectedStatus }, status), false, `${status}`);
      assert.deepEqual(healthCheckProblems({ ...plainCheck("/"), expectedStatus }), []);
    });
  }
  for (const expectedStatus of [...NO_LIST, "399-200"]) {
    await t.step(`"${expectedStatus}"`, () => {
      assert.equal(expects({ expectedStatus }, 200), false);
      const problems = healthCheckProblems({ ...plainCheck("/"), expectedStatus });
      assert.deepEqual(problems, ["health_check.expected_status is no list"]);
    });
  }
});

const LONG = { ...plainCheck(""), kind: "command", command: ["/check", "x".repeat(300)] } as const;
const TEXTS: readonly (readonly [text: RegExp, check: HealthCheck, detail?: string])[] = [
  [/^it has not run for its start time yet$/, { ...plainCheck(""), kind: "none" }],
  [/^nothing answers on port 80$/, plainCheck("")],
  [/^nothing answers on port 80 \(connection refused\)$/, plainCheck(""), "connection refused"],
  [/^its health check GET \/up on port 80 does not answer 2xx or 3xx$/, plainCheck("/up")],
  [
    /^its health check HEAD \/up on port 80 does not answer 200,401 \(it answered 500\)$/,
    { ...plainCheck("/up"), method: "HEAD", expectedStatus: "200,401" },
    "it answered 500",
  ],
  [
    /^its health check, the command \/check me, fails \(exit code 1: no database\)$/,
    { ...LONG, command: ["/check", "me"] },
    "exit code 1: no database",
  ],
  [/^its health check, the command \/check x{193}, fails$/, LONG],
];

Deno.test("failingText() says what was asked, what was wanted, and what came", async (t) => {
  for (const [text, check, detail] of TEXTS) {
    await t.step(`${text}`, () => assert.match(failingText(check, 80, detail), text));
  }
});
