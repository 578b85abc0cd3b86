/** Flags and `unkey.json` become the settings of an app, or are refused with what they take. */
import { create } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import {
  type AppSettings,
  AppSettingsSchema,
  HealthCheckSettings_Kind as Kind,
  SizeSchema,
} from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { APP_FIELDS, type AppConfig, appOf } from "./app_fields.ts";
import { appJson, appRows } from "./app_view.ts";
import { CRON_FIELD } from "./cron_field.ts";
import { healthCheckOf } from "./health_check_fields.ts";

const NONE: AppConfig = {
  port: undefined,
  command: undefined,
  healthCheckPath: undefined,
  healthCheckType: undefined,
  healthCheckMethod: undefined,
  healthCheckHost: undefined,
  healthCheckHeaders: [],
  healthCheckExpect: undefined,
  healthCheckIntervalMs: undefined,
  healthCheckTimeoutMs: undefined,
  unhealthyAfterMs: undefined,
  restartAfterMs: undefined,
  startTimeoutMs: undefined,
  stopSignal: undefined,
  stopTimeoutMs: undefined,
  ephemeralStorage: undefined,
  regions: [],
  init: undefined,
  openapiPath: undefined,
  releaseCommand: undefined,
  releaseTimeoutMs: undefined,
  scaleMin: undefined,
  scaleMax: undefined,
  scaleCpu: undefined,
  scaleConcurrency: undefined,
  scaleDownAfterMs: undefined,
  crons: [],
  sleepAfterMs: undefined,
};

const messageOf = (config: Partial<AppConfig>): AppSettings =>
  create(AppSettingsSchema, appOf({ ...NONE, ...config }));

type TextField = Exclude<keyof typeof APP_FIELDS, "regions" | "healthCheckHeaders" | "crons">;

Deno.test("each field reads what people write", async (t) => {
  const cases: readonly [TextField, string, unknown][] = [
    ["port", "1", 1],
    ["port", " 65535 ", 65_535],
    ["command", `sh -c 'exec app'`, ["sh", "-c", "exec app"]],
    ["startTimeoutMs", "9m", 540_000],
    ["startTimeoutMs", "1m30s", 90_000],
    ["stopTimeoutMs", "1h", 3_600_000],
    ["stopSignal", "quit", "SIGQUIT"],
    ["stopSignal", "SIGUSR1", "SIGUSR1"],
    ["stopSignal", "sigint", "SIGINT"],
    ["ephemeralStorage", "2GiB", 2_048],
    ["releaseCommand", "a && b", ["sh", "-c", "a && b"]],
    ["releaseCommand", '["rake","db:migrate"]', ["rake", "db:migrate"]],
    ["releaseTimeoutMs", "1h", 3_600_000],
    ["init", "true", true],
    ["init", "false", false],
    ["healthCheckPath", "/up?deep=1", "/up?deep=1"],
    ["openapiPath", "/v1/openapi.yaml?full=1", "/v1/openapi.yaml?full=1"],
    ["healthCheckType", "image", "image"],
    ["healthCheckMethod", "head", "HEAD"],
    ["healthCheckHost", "Shop.example:8080", "Shop.example:8080"],
    ["healthCheckExpect", "200,401,500-599", "200,401,500-599"],
    ["healthCheckIntervalMs", "5m", 300_000],
    ["healthCheckTimeoutMs", "60s", 60_000],
    ["unhealthyAfterMs", "1s", 1_000],
    ["restartAfterMs", "1h", 3_600_000],
  ];
  for (const [name, text, expected] of cases) {
    await t.step(`${name}: ${text}`, () => assert.deepEqual(APP_FIELDS[name].schema.parse(text), expected));
  }
  for (const name of new Set(cases.map(([each]) => each))) {
    await t.step(`${name}: nothing`, () => assert.equal(APP_FIELDS[name].schema.parse(undefined), undefined));
  }
});

Deno.test("each field refuses what it cannot read, with what it takes", async (t) => {
  const cases: readonly [TextField, string, RegExp][] = [
    ["port", "0", /between 1 and 65535/],
    ["port", "65536", /between 1 and 65535/],
    ["port", "80.5", /between 1 and 65535/],
    ["port", "", /between 1 and 65535/],
    ["command", `a "b`, /quotes have an end/],
    ["command", " ", /quotes have an end/],
    ["startTimeoutMs", "9m1s", /9m/],
    ["startTimeoutMs", "500ms", /1s/],
    ["stopTimeoutMs", "61m", /1h/],
    ["stopSignal", "9", /SIGQUIT/],
    ["stopSignal", "SIG QUIT", /SIGQUIT/],
    ["ephemeralStorage", "lots", /MiB/],
    ["init", "yes", /true or false/],
    ["healthCheckPath", "up", /begin with \//],
    ["healthCheckPath", "/a b", /begin with \//],
    ["healthCheckType", "tcp", /one of port, http, image/],
    ["healthCheckMethod", "POST", /GET or HEAD/],
    ["healthCheckHost", "http://shop", /host name/],
    ["healthCheckHost", "-shop", /host name/],
    ["healthCheckExpect", "600", /200-399/],
    ["healthCheckExpect", "2xx", /200-399/],
    ["healthCheckExpect", "200,", /200-399/],
    ["healthCheckIntervalMs", "301s", /5m/],
    ["healthCheckTimeoutMs", "0s", /1s/],
    ["unhealthyAfterMs", "3601s", /1h/],
    ["restartAfterMs", "soon", /1h/],
  ];
  for (const [name, text, rule] of cases) {
    await t.step(`${name}: ${JSON.stringify(text)}`, () => {
      const { error } = APP_FIELDS[name].schema.safeParse(text);
      assert.match(error?.issues[0]?.message ?? "", rule);
    });
  }
});

Deno.test("nothing is sent when nothing is set, and whatever is set is sent", async (t) => {
  assert.equal(appOf(NONE), undefined);
  assert.equal(healthCheckOf(NONE), undefined);
  const settings: readonly Partial<AppConfig>[] = [
    { port: 1 },
    { command: ["a"] },
    { startTimeoutMs: 1_000 },
    { stopSignal: "SIGINT" },
    { stopTimeoutMs: 1_000 },
    { ephemeralStorage: 16 },
    { regions: ["eu-1"] },
    { init: false },
    { init: true },
    { healthCheckPath: "/" },
    { healthCheckType: "port" },
    { healthCheckMethod: "GET" },
    { healthCheckHost: "shop" },
    { healthCheckHeaders: [["a", ""]] },
    { healthCheckExpect: "200" },
    { healthCheckIntervalMs: 1_000 },
    { healthCheckTimeoutMs: 1_000 },
    { unhealthyAfterMs: 1_000 },
    { restartAfterMs: 1_000 },
  ];
  for (const setting of settings) {
    await t.step(
      Object.keys(setting).join(),
      () => assert.notEqual(appOf({ ...NONE, ...setting }), undefined),
    );
  }
});

Deno.test("parts of seconds are rounded up, so that no time becomes none", () => {
  const { startSeconds, stopSeconds, healthCheck } = messageOf({
    startTimeoutMs: 1_200,
    stopTimeoutMs: 2_001,
    healthCheckIntervalMs: 1_999,
  });
  assert.deepEqual([startSeconds, stopSeconds, healthCheck?.intervalSeconds], [2, 3, 2]);
});

Deno.test("a check without a type is left to the control plane", () => {
  assert.equal(messageOf({ healthCheckPath: "/up" }).healthCheck?.kind, Kind.UNSPECIFIED);
  assert.equal(messageOf({ healthCheckType: "http" }).healthCheck?.kind, Kind.HTTP);
  assert.equal(messageOf({ port: 3000 }).healthCheck, undefined);
});

const ALL: Partial<AppConfig> = {
  port: 3000,
  command: ["sh", "-c", "exec 'my app'"],
  startTimeoutMs: 90_000,
  sleepAfterMs: 600_000,
  stopSignal: "SIGQUIT",
  stopTimeoutMs: 30_000,
  ephemeralStorage: 512,
  regions: ["eu-1", "us-1"],
  init: false,
  openapiPath: "/openapi.json",
  releaseCommand: ["sh", "-c", "npm run migrate"],
  releaseTimeoutMs: 120_000,
  healthCheckType: "http",
  healthCheckPath: "/up",
  healthCheckMethod: "HEAD",
  healthCheckHost: "shop.example",
  healthCheckHeaders: [["x-probe", "1"]],
  healthCheckExpect: "200,401",
  healthCheckIntervalMs: 2_000,
  healthCheckTimeoutMs: 3_000,
  unhealthyAfterMs: 60_000,
  restartAfterMs: 3_600_000,
  scaleMin: 2,
  scaleMax: 5,
  scaleCpu: 70,
  scaleConcurrency: 50,
  scaleDownAfterMs: 120_000,
  crons: CRON_FIELD.schema.parse(['{"name":"cleanup","schedule":"@daily","command":["true"]}']),
};

const TIMES = [
  "startTimeoutMs",
  "stopTimeoutMs",
  "unhealthyAfterMs",
  "restartAfterMs",
  "releaseTimeoutMs",
  "scaleDownAfterMs",
  "sleepAfterMs",
] as const;

Deno.test("printed JSON has the keys of unkey.json, whose values the fields read again", async (t) => {
  const settings = messageOf(ALL);
  const { healthCheck, scaling, ...json } = appJson({ settings });
  const shown: Readonly<Record<string, unknown>> = {
    ...json,
    ...Object.fromEntries(
      Object.entries(healthCheck ?? {}).map(([key, value]) => [`healthCheck.${key}`, value]),
    ),
    ...Object.fromEntries(Object.entries(scaling ?? {}).map(([key, value]) => [`scaling.${key}`, value])),
  };
  const keys = Object.values(APP_FIELDS).map(({ file }) => file);
  assert.deepEqual(Object.keys(shown).toSorted(), keys.toSorted());
  for (const name of TIMES) {
    await t.step(name, () => {
      const { file, schema } = APP_FIELDS[name];
      assert.equal(schema.parse(shown[file ?? ""]), ALL[name]);
    });
  }
  assert.deepEqual([shown["command"], shown["regions"], shown["init"]], [ALL.command, ALL.regions, false]);
});

Deno.test("rows show a command line that can be pasted, and units", () => {
  const size = create(SizeSchema, { memoryMib: 512, cpuMillicores: 250, replicas: 2 });
  const rows = new Map(appRows({ settings: messageOf(ALL), size }).map(([key = "", value]) => [key, value]));
  assert.equal(rows.get("releaseCommand"), "npm run migrate");
  assert.equal(rows.get("command"), `sh -c 'exec '"'"'my app'"'"''`);
  assert.deepEqual(APP_FIELDS.command.schema.parse(rows.get("command")), ALL.command);
  assert.deepEqual(
    ["regions", "memory", "cpu", "replicas", "ephemeralStorage", "init", "healthCheck.headers"].map((key) =>
      rows.get(key)
    ),
    ["eu-1, us-1", "512 MiB", "0.25", "2", "512 MiB", "false", `{"x-probe":"1"}`],
  );
});

Deno.test("what is not set is not shown", () => {
  assert.deepEqual(appRows({}), []);
  assert.deepEqual(appJson({ settings: create(AppSettingsSchema) }), {});
  const size = create(SizeSchema, { memoryMib: 256, cpuMillicores: 500 });
  assert.deepEqual(
    appJson({ size }),
    { memory: 256, cpu: 0.5 },
    "the operator's number of replicas is no setting",
  );
});
