/** The configuration of an image, as rows have it, and what it does to the app. */
import assert from "node:assert/strict";
import { IMAGE_CONFIG, type ImageConfig } from "../../../../../pkg/registry/mod.ts";
import { decodeImageConfig } from "./image_config.ts";
import { imageNotices } from "./notices.ts";
import { healthCheckOf } from "./resolve.ts";

const NOTHING: ImageConfig = {
  exposedPorts: [],
  volumes: [],
  user: "",
  stopSignal: "",
  entrypoint: [],
  command: [],
};
const CHECK = { command: ["/check"], intervalMs: 30_000, timeoutMs: 2_000, retries: 2 };

Deno.test("decodeImageConfig() gives back what was kept, and what older rows lack is empty", async (t) => {
  const cases: Readonly<Record<string, readonly [string | null, ImageConfig | undefined]>> = {
    "an image that was not read": [null, undefined],
    "nothing in it": ["{}", NOTHING],
    "only ports": [`{"exposedPorts":[80]}`, { ...NOTHING, exposedPorts: [80] }],
    "a check": [JSON.stringify({ healthCheck: CHECK }), { ...NOTHING, healthCheck: CHECK }],
    "everything": [
      JSON.stringify({
        ...NOTHING,
        user: "app",
        stopSignal: "SIGQUIT",
        volumes: ["/data"],
        healthCheck: CHECK,
      }),
      { ...NOTHING, user: "app", stopSignal: "SIGQUIT", volumes: ["/data"], healthCheck: CHECK },
    ],
    "a key of a later version": [`{"exposedPorts":[1],"labels":{"a":"b"}}`, {
      ...NOTHING,
      exposedPorts: [1],
    }],
  };
  for (const [name, [text, expected]] of Object.entries(cases)) {
    await t.step(name, () => assert.deepEqual(decodeImageConfig(text), expected));
  }
  await t.step("what a registry's answer was read as", () => {
    const read = IMAGE_CONFIG.parse({
      ExposedPorts: { "3000/tcp": {} },
      Healthcheck: { Test: ["CMD", "/check"], Interval: 1_500_000 },
      Cmd: ["app"],
    });
    assert.deepEqual(decodeImageConfig(JSON.stringify(read)), read);
  });
});

Deno.test("decodeImageConfig() refuses what another program has written", async (t) => {
  const texts = ["", "{", "null", "[]", `{"exposedPorts":["80"]}`, `{"healthCheck":{"command":["/check"]}}`];
  for (const text of texts) {
    await t.step(JSON.stringify(text), () => assert.throws(() => decodeImageConfig(text)));
  }
});

Deno.test("the image's check fails for as long as Docker would let it fail", async (t) => {
  const cases: readonly [string, Partial<typeof CHECK>, number][] = [
    ["its own retries", { retries: 5 }, 150_000],
    ["Docker's three, if it names none", { retries: 0 }, 90_000],
    ["the agent's default, if it names no interval", { intervalMs: 0 }, 0],
  ];
  for (const [name, change, unhealthyMs] of cases) {
    await t.step(name, () => {
      const image = { ...NOTHING, healthCheck: { ...CHECK, ...change } };
      assert.equal(healthCheckOf({}, image, "h").unhealthyMs, unhealthyMs);
    });
  }
  await t.step("a set interval counts for the retries, too", () => {
    const image = { ...NOTHING, healthCheck: CHECK };
    const check = healthCheckOf({ healthCheck: { intervalSeconds: 4 } }, image, "h");
    assert.deepEqual([check.intervalMs, check.unhealthyMs, check.timeoutMs], [4_000, 8_000, 2_000]);
  });
});

Deno.test("only a check by HTTP has the words of HTTP", async (t) => {
  const http = { method: "HEAD", host: "own", headers: { a: "1" }, expectedStatus: "204" } as const;
  const none = { path: "", method: "", host: "", headers: {}, expectedStatus: "" };
  for (const kind of ["port", "image"] as const) {
    await t.step(kind, () => {
      const check = healthCheckOf({ healthCheck: { ...http, path: "/x", kind } }, undefined, "h");
      assert.deepEqual({ ...check, ...none }, check);
      assert.equal(check.kind, "port", "an image that was not read has no check");
    });
  }
  await t.step("http", () => {
    const check = healthCheckOf({ healthCheck: { ...http, kind: "http" } }, undefined, "h");
    assert.deepEqual({ ...check, ...http, path: "/" }, check);
  });
});

Deno.test("imageNotices() names a few of many ports, and all that was not set", async (t) => {
  const many = { ...NOTHING, exposedPorts: [21, 22, 23, 24, 25, 26, 27] };
  await t.step("five of seven ports", () => {
    const [text = ""] = imageNotices({}, many);
    assert.match(text, /ports 21, 22, 23, 24, 25: requests go to 21, .*--port/);
    assert.doesNotMatch(text, /26/);
  });
  await t.step(
    "nothing of an image that says nothing",
    () => assert.deepEqual(imageNotices({}, NOTHING), []),
  );
  const image = { ...NOTHING, healthCheck: CHECK };
  const checks: readonly [string, Parameters<typeof imageNotices>[0]["healthCheck"], number][] = [
    ["no check was set", undefined, 1],
    ["times were set", { intervalSeconds: 3 }, 1],
    ["the port was set", { kind: "port" }, 0],
    ["the image's was asked for", { kind: "image" }, 0],
    ["a path was set", { path: "/up" }, 0],
  ];
  for (const [name, healthCheck, count] of checks) {
    await t.step(`the image's check: ${name}`, () => {
      const settings = healthCheck === undefined ? {} : { healthCheck };
      assert.equal(imageNotices(settings, image).length, count);
    });
  }
});

const PORT_CHANGES: readonly (readonly [
  name: string,
  settings: Parameters<typeof imageNotices>[0],
  exposedPorts: readonly number[],
  livePort: number | undefined,
  isTold: boolean,
])[] = [
  ["a port of its own", {}, [3000], 8080, true],
  ["the default of an image that says nothing", {}, [], 3000, true],
  ["the same port", {}, [8080], 8080, false],
  ["another one of the exposed ports", {}, [8080, 9090], 9090, true],
  ["a port that is set", { port: 3000 }, [3000], 8080, false],
  ["an app without a port", { healthCheck: { kind: "none" } }, [3000], 8080, false],
  ["no live deployment", {}, [3000], undefined, false],
];

Deno.test("imageNotices() names a port that differs from the live deployment's", async (t) => {
  for (const [name, settings, exposedPorts, livePort, isTold] of PORT_CHANGES) {
    await t.step(name, () => {
      const texts = imageNotices(settings, { ...NOTHING, exposedPorts: [...exposedPorts] }, livePort);
      assert.equal(texts.some((text) => text.includes("The live deployment gets its requests")), isTold);
    });
  }
});
