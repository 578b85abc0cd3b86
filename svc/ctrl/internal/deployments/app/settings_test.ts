/** Settings of apps keep their values through rows and messages, and broken rows are not guessed at. */
import { create } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import {
  AppSettingsSchema,
  HealthCheckSettings_Kind as Kind,
} from "../../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { appSettings } from "../../validate/app.ts";
import {
  type AppSettings,
  decodeAppSettings,
  decodeAppSnapshot,
  encodeAppSettings,
  encodeAppSnapshot,
  mergeApps,
  settingsOf,
} from "./settings.ts";
import { decodeApp, encodeApp } from "./wire.ts";

const LIMITS = { stopSecondsMax: 600, ephemeralStorageMibMax: 4_096, replicasMax: 10 };
const EVERYTHING: AppSettings = {
  port: 3000,
  command: ["node", "server.js"],
  healthCheck: {
    kind: "http",
    path: "/up",
    method: "HEAD",
    host: "shop.example",
    headers: { "x-probe": "1" },
    expectedStatus: "200,401",
    intervalSeconds: 2,
    timeoutSeconds: 3,
    unhealthySeconds: 4,
    restartSeconds: 5,
  },
  startSeconds: 90,
  stopSignal: "SIGQUIT",
  stopSeconds: 30,
  ephemeralStorageMib: 512,
  regions: ["eu-1", "us-1"],
  init: false,
  crons: [
    { name: "daily", schedule: "@daily", command: ["true"] },
    {
      name: "all",
      schedule: "*/15 * * * *",
      command: ["npm", "run", "all"],
      timezone: "Europe/Berlin",
      overlap: "replace",
      timeoutSeconds: 60,
      environments: ["preview", "production"],
    },
  ],
};

/** Each setting alone, then none, then all. */
const KINDS: Readonly<Record<string, AppSettings>> = {
  none: {},
  all: EVERYTHING,
  ...Object.fromEntries(Object.entries(EVERYTHING).map(([name, value]) => [name, { [name]: value }])),
  "an init that is wanted": { init: true },
  "a check of the port": { healthCheck: { kind: "port" } },
  "the image's check, with a time": { healthCheck: { kind: "image", intervalSeconds: 7 } },
  "no check": { healthCheck: { kind: "none" } },
  "times alone": { healthCheck: { unhealthySeconds: 9, restartSeconds: 60 } },
};

Deno.test("settings come back from rows and from messages as they were", async (t) => {
  for (const [name, settings] of Object.entries(KINDS)) {
    await t.step(`${name}: an environment's column`, () => {
      assert.deepEqual(decodeAppSettings(encodeAppSettings(settings)), settings);
    });
    await t.step(`${name}: a deployment's column`, () => {
      const snapshot = { own: settings, environment: EVERYTHING };
      assert.deepEqual(decodeAppSnapshot(encodeAppSnapshot(snapshot)), snapshot);
      const other = { own: {}, environment: settings };
      assert.deepEqual(decodeAppSnapshot(encodeAppSnapshot(other)), other);
    });
    await t.step(`${name}: a message, checked as requests are`, () => {
      const message = create(AppSettingsSchema, encodeApp(settings));
      assert.deepEqual(appSettings("app", decodeApp(message), LIMITS), settings);
    });
  }
});

Deno.test("no settings are null in an environment's column, and a row without settings is an older one", () => {
  assert.equal(encodeAppSettings({}), null);
  assert.deepEqual(decodeAppSettings(null), {});
  assert.equal(decodeAppSnapshot(null), undefined);
  assert.equal(decodeApp(undefined), undefined);
  assert.deepEqual(appSettings("app", undefined, LIMITS), {});
});

Deno.test("the same settings are the same text in a deployment's column", () => {
  const reversed: AppSettings = Object.fromEntries(Object.entries(EVERYTHING).toReversed());
  assert.notEqual(JSON.stringify(reversed), JSON.stringify(EVERYTHING));
  assert.equal(
    encodeAppSnapshot({ environment: {}, own: reversed }),
    encodeAppSnapshot({ own: EVERYTHING, environment: {} }),
  );
});

Deno.test("columns that another program has written are refused", async (t) => {
  const snapshots: Readonly<Record<string, string>> = {
    "no JSON": "{",
    "empty": "",
    "null": "null",
    "a list": "[]",
    "no settings of the environment": `{"own":{}}`,
    "a port that is a text": `{"own":{"port":"80"},"environment":{}}`,
    "an unknown kind of check": `{"own":{},"environment":{"healthCheck":{"kind":"tcp"}}}`,
    "an unknown method": `{"own":{"healthCheck":{"method":"POST"}},"environment":{}}`,
    "a command that is a text": `{"own":{"command":"node"},"environment":{}}`,
  };
  for (const [name, text] of Object.entries(snapshots)) {
    await t.step(`a snapshot: ${name}`, () => assert.throws(() => decodeAppSnapshot(text)));
  }
  for (
    const text of ["{", "null", `{"regions":"eu-1"}`, `{"init":"yes"}`, `{"healthCheck":{"headers":{"a":1}}}`]
  ) {
    await t.step(`an environment: ${text}`, () => assert.throws(() => decodeAppSettings(text)));
  }
});

Deno.test("a setting of a later version is left out, and the others hold", () => {
  const later = `{"own":{"port":3000,"gpu":1},"environment":{"color":"red"},"added":true}`;
  assert.deepEqual(decodeAppSnapshot(later), { own: { port: 3000 }, environment: {} });
});

Deno.test("the request's settings come before the environment's, and a health check is one value", () => {
  const environment: AppSettings = {
    port: 80,
    stopSeconds: 9,
    init: true,
    healthCheck: { kind: "http", path: "/env", expectedStatus: "401" },
  };
  const own: AppSettings = { port: 3000, init: false, healthCheck: { intervalSeconds: 3 } };
  assert.deepEqual(settingsOf({ own, environment }), {
    port: 3000,
    stopSeconds: 9,
    init: false,
    healthCheck: { intervalSeconds: 3 },
  });
  assert.deepEqual(settingsOf({ own: {}, environment }), environment);
  assert.deepEqual(mergeApps(environment, {}), environment);
  assert.deepEqual(environment.port, 80, "neither is changed");
});

Deno.test("an enum's number of a later version counts as not set", () => {
  const message = create(AppSettingsSchema, { healthCheck: { intervalSeconds: 2 } });
  const check = message.healthCheck;
  assert.ok(check !== undefined);
  Object.assign(check, { kind: 99 });
  assert.equal(decodeApp(message)?.healthCheck?.kind, undefined);
  Object.assign(check, { kind: Kind.IMAGE });
  assert.equal(decodeApp(message)?.healthCheck?.kind, "image");
});
