import assert from "node:assert/strict";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { appSettings, type WireApp, type WireHealthCheck } from "./app.ts";

const LIMITS = { stopSecondsMax: 60, ephemeralStorageMibMax: 1_000, replicasMax: 10 };
const NOTHING: WireApp = {
  port: 0,
  command: [],
  startSeconds: 0,
  stopSignal: "",
  stopSeconds: 0,
  ephemeralStorageMib: 0,
  regions: [],
  openapiPath: "",
  releaseCommand: [],
  releaseSeconds: 0,
  crons: [],
  sleepSeconds: 0,
};
const NO_CHECK: WireHealthCheck = {
  kind: undefined,
  path: "",
  method: "",
  host: "",
  headers: {},
  expectedStatus: "",
  intervalSeconds: 0,
  timeoutSeconds: 0,
  unhealthySeconds: 0,
  restartSeconds: 0,
};

Deno.test("appSettings() keeps what is set", () => {
  assert.deepEqual(appSettings("app", undefined, LIMITS), {});
  assert.deepEqual(appSettings("app", { ...NOTHING, healthCheck: NO_CHECK }, LIMITS), {});
  const wire = {
    ...NOTHING,
    port: 3000,
    command: ["a", "b"],
    stopSignal: "SIGQUIT",
    stopSeconds: 60,
    regions: ["a", "b", "a"],
    init: false,
    openapiPath: "/openapi.json",
    releaseCommand: ["rake", "db:migrate"],
    releaseSeconds: 3_600,
    healthCheck: { ...NO_CHECK, path: "/x", expectedStatus: "200, 401", intervalSeconds: 2 },
  };
  assert.deepEqual(appSettings("app", wire, LIMITS), {
    port: 3000,
    command: ["a", "b"],
    stopSignal: "SIGQUIT",
    stopSeconds: 60,
    regions: ["a", "b"],
    init: false,
    openapiPath: "/openapi.json",
    releaseCommand: ["rake", "db:migrate"],
    releaseSeconds: 3_600,
    healthCheck: { kind: "http", path: "/x", expectedStatus: "200,401", intervalSeconds: 2 },
  });
});

Deno.test("appSettings() names the field and the rule of what it refuses", async (t) => {
  const check = (changes: Partial<WireHealthCheck>) => ({ healthCheck: { ...NO_CHECK, ...changes } });
  const cases: readonly [Partial<WireApp>, RegExp][] = [
    [{ port: 70_000 }, /app\.port must be between 1 and 65535/],
    [{ startSeconds: 541 }, /app\.start_seconds must be between 1 and 540/],
    [{ startSeconds: -1 }, /app\.start_seconds/],
    [{ stopSeconds: 61 }, /app\.stop_seconds must be between 1 and 60, which the operator set/],
    [{ ephemeralStorageMib: 1_001 }, /app\.ephemeral_storage_mib must be between 16 and 1000/],
    [{ openapiPath: "openapi.json" }, /app\.openapi_path must begin with "\/"/],
    [{ releaseSeconds: 3_601 }, /app\.release_seconds must be between 1 and 3600/],
    [{ releaseSeconds: -1 }, /app\.release_seconds must be between 1 and 3600/],
    [{ releaseCommand: ["a\0"] }, /app\.release_command/],
    [{ openapiPath: "/a b" }, /app\.openapi_path .*no spaces/],
    [{ stopSignal: "TERM" }, /app\.stop_signal must be one of SIGTERM/],
    [{ regions: ["No"] }, /app\.regions must be names of regions/],
    [check({ path: "x" }), /app\.health_check\.path must begin with "\/"/],
    [check({ method: "POST" }), /app\.health_check\.method must be GET or HEAD/],
    [check({ host: "a b" }), /app\.health_check\.host/],
    [check({ headers: { "a b": "1" } }), /app\.health_check\.headers must have names/],
    [check({ headers: { host: "1" } }), /app\.health_check\.headers must not have this one/],
    [check({ headers: { a: "1\r\nb: 2" } }), /app\.health_check\.headers\.a must be/],
    [check({ expectedStatus: "399-200" }), /app\.health_check\.expected_status/],
    [check({ expectedStatus: "20" }), /app\.health_check\.expected_status/],
    [check({ intervalSeconds: 301 }), /app\.health_check\.interval_seconds must be between 1 and 300/],
    [check({ kind: "none", path: "/x" }), /of the kind "none" takes no path/],
    [
      check({ kind: "none", restartSeconds: 9 }),
      /takes no times: start_seconds says how long the app has to run/,
    ],
    [check({ kind: "port", path: "/x" }), /of the kind "port" takes no path/],
  ];
  for (const [changes, message] of cases) {
    await t.step(String(message), () => {
      assert.throws(() => appSettings("app", { ...NOTHING, ...changes }, LIMITS), (error) => {
        assert.ok(isFault(error, "invalid_argument"));
        assert.match(error.message, message);
        return true;
      });
    });
  }
});
