/** An image's configuration is read as Docker reads it, whatever its author left out. */
import assert from "node:assert/strict";
import { IMAGE_CONFIG, type ImageHealthCheck } from "./mod.ts";

const portsOf = (...exposed: readonly string[]): readonly number[] =>
  IMAGE_CONFIG.parse({ ExposedPorts: Object.fromEntries(exposed.map((each) => [each, {}])) }).exposedPorts;

const checkOf = (healthcheck: unknown): ImageHealthCheck | undefined =>
  IMAGE_CONFIG.parse({ Healthcheck: healthcheck }).healthCheck;

Deno.test("an image that says nothing has nothing", async (t) => {
  const nothing = {
    exposedPorts: [],
    volumes: [],
    user: "",
    stopSignal: "",
    entrypoint: [],
    command: [],
  };
  const nulls = {
    ExposedPorts: null,
    Volumes: null,
    Healthcheck: null,
    User: null,
    StopSignal: null,
    Entrypoint: null,
    Cmd: null,
  };
  await t.step("no keys", () => assert.deepEqual(IMAGE_CONFIG.parse({}), nothing));
  await t.step("null for each key", () => assert.deepEqual(IMAGE_CONFIG.parse(nulls), nothing));
  await t.step("other keys", () => assert.deepEqual(IMAGE_CONFIG.parse({ Labels: { a: "b" } }), nothing));
});

Deno.test("exposed ports are those of TCP, in order", async (t) => {
  const cases: readonly [string, readonly string[], readonly number[]][] = [
    ["in order of number, not of text", ["10000/tcp", "9000/tcp", "80/tcp"], [80, 9000, 10_000]],
    ["without a protocol", ["80"], [80]],
    ["of other protocols", ["53/udp", "9/sctp", "80/tcp"], [80]],
    ["out of range", ["0/tcp", "65535/tcp", "65536/tcp", "99999/tcp"], [65_535]],
    ["ranges and words", ["8000-8010/tcp", "http/tcp", "", "/tcp", "80/TCP"], []],
  ];
  for (const [name, exposed, expected] of cases) {
    await t.step(name, () => assert.deepEqual(portsOf(...exposed), expected));
  }
  await t.step("a bounded number, the lowest", () => {
    const ports = portsOf(...Array.from({ length: 300 }, (_, at) => `${1_300 - at}/tcp`));
    assert.deepEqual([ports.length, ports[0], ports.at(-1)], [100, 1_001, 1_100]);
  });
});

Deno.test("a health check is a command and its times, or none", async (t) => {
  const none = { intervalMs: 0, timeoutMs: 0, retries: 0 };
  const cases: Readonly<Record<string, readonly [unknown, ImageHealthCheck | undefined]>> = {
    "a program": [{ Test: ["CMD", "/check", "-q"] }, { command: ["/check", "-q"], ...none }],
    "a shell's line": [{ Test: ["CMD-SHELL", "a || b"] }, { command: ["/bin/sh", "-c", "a || b"], ...none }],
    "taken away": [{ Test: ["NONE"] }, undefined],
    "inherited": [{ Test: [] }, undefined],
    "no test": [{ Interval: 1_000_000_000 }, undefined],
    "a program without a name": [{ Test: ["CMD"] }, undefined],
    "a shell without a line": [{ Test: ["CMD-SHELL"] }, undefined],
    "a word of a later version": [{ Test: ["HTTP", "/up"] }, undefined],
    "times in nanoseconds": [
      { Test: ["CMD", "a"], Interval: 90_000_000_000, Timeout: 1_500_000, Retries: 4 },
      { command: ["a"], intervalMs: 90_000, timeoutMs: 2, retries: 4 },
    ],
    "times that are less than nothing": [
      { Test: ["CMD", "a"], Interval: -1_000_000, Timeout: null, Retries: -1 },
      { command: ["a"], ...none },
    ],
  };
  for (const [name, [given, expected]] of Object.entries(cases)) {
    await t.step(name, () => assert.deepEqual(checkOf(given), expected));
  }
});

Deno.test("a health check's line is run by the shell of the image, as Docker does", () => {
  const Healthcheck = { Test: ["CMD-SHELL", "[[ -f /up ]]"] };
  const { healthCheck } = IMAGE_CONFIG.parse({ Healthcheck, Shell: ["/bin/bash", "-ec"] });
  assert.deepEqual(healthCheck?.command, ["/bin/bash", "-ec", "[[ -f /up ]]"]);
  const program = IMAGE_CONFIG.parse({
    Healthcheck: { Test: ["CMD", "/check"] },
    Shell: ["/bin/bash", "-ec"],
  });
  assert.deepEqual(program.healthCheck?.command, ["/check"]);
});

Deno.test("volumes are in order of name, and bounded", () => {
  const Volumes = Object.fromEntries(Array.from({ length: 150 }, (_, at) => [`/v${999 - at}`, {}]));
  const { volumes } = IMAGE_CONFIG.parse({ Volumes });
  assert.deepEqual([volumes.length, volumes[0], volumes.at(-1)], [100, "/v850", "/v949"]);
});

Deno.test("what is of another form is no configuration", async (t) => {
  const texts = [
    `{"ExposedPorts":["80/tcp"]}`,
    `{"Cmd":"node server.js"}`,
    `{"Entrypoint":[1]}`,
    `{"Healthcheck":{"Test":"CMD a"}}`,
    `{"Healthcheck":{"Test":["CMD","a"],"Interval":"5s"}}`,
    `{"User":0}`,
    `[]`,
    `null`,
  ];
  for (const text of texts) {
    await t.step(text, () => assert.equal(IMAGE_CONFIG.safeParse(JSON.parse(text)).success, false));
  }
});
