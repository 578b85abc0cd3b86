import assert from "node:assert/strict";
import type { ImageConfig } from "../../../../../pkg/registry/mod.ts";
import { imageNotices } from "./notices.ts";
import { healthCheckOf, initOf, portOf } from "./resolve.ts";

const IMAGE: ImageConfig = {
  exposedPorts: [],
  volumes: [],
  user: "",
  stopSignal: "",
  entrypoint: [],
  command: ["/app"],
};
const CHECK = { command: ["/check"], intervalMs: 30_000, timeoutMs: 2_000, retries: 2 };

Deno.test("portOf() takes the setting, else the port that the image exposes, else 8080", async (t) => {
  const cases: readonly [string, number | undefined, readonly number[] | undefined, number][] = [
    ["a setting", 4000, [3000], 4000],
    ["one exposed port", undefined, [3001], 3001],
    ["a well-known one among several", undefined, [22, 3000, 9229], 3000],
    ["8080 before all others", undefined, [80, 8080], 8080],
    ["the lowest of unknown ones", undefined, [4001, 4002], 4001],
    ["an image that exposes none", undefined, [], 8080],
    ["an image that cannot be read", undefined, undefined, 8080],
  ];
  for (const [name, port, exposedPorts, expected] of cases) {
    await t.step(name, () => {
      const settings = port === undefined ? {} : { port };
      assert.equal(portOf(settings, exposedPorts && { exposedPorts }), expected);
    });
  }
});

Deno.test("initOf() gives an init process to images that bring none", async (t) => {
  const cases: readonly [string, Parameters<typeof initOf>, boolean][] = [
    ["an image without one", [{}, IMAGE], true],
    ["an image that cannot be read", [{}, undefined], false],
    ["tini", [{}, { ...IMAGE, entrypoint: ["/usr/bin/tini", "--", "app"] }], false],
    ["s6-overlay", [{}, { ...IMAGE, entrypoint: ["/init"] }], false],
    [
      "a command in place of the image's init",
      [{ command: ["/app"] }, { ...IMAGE, entrypoint: ["/init"] }],
      true,
    ],
    ["an init in the command", [{ command: ["dumb-init", "app"] }, IMAGE], false],
    ["a setting", [{ init: false }, IMAGE], false],
    ["a setting for an image that cannot be read", [{ init: true }, undefined], true],
    ["a program whose name ends in init", [{}, { ...IMAGE, command: ["/app/db-init"] }], true],
  ];
  for (const [name, given, expected] of cases) {
    await t.step(name, () => assert.equal(initOf(...given), expected));
  }
});

Deno.test("healthCheckOf() asks a path, else runs the image's check, else asks the port", async (t) => {
  const withCheck = { ...IMAGE, healthCheck: CHECK };
  const cases: readonly [
    string,
    Parameters<typeof healthCheckOf>,
    Partial<ReturnType<typeof healthCheckOf>>,
  ][] = [
    ["nothing", [{}, IMAGE, "h"], { kind: "port", path: "", host: "" }],
    ["a path", [{ healthCheck: { path: "/x" } }, withCheck, "h"], { kind: "http", path: "/x", host: "h" }],
    ["a host of its own", [{ healthCheck: { path: "/x", host: "own" } }, IMAGE, "h"], { host: "own" }],
    ["http without a path", [{ healthCheck: { kind: "http" } }, IMAGE, "h"], { kind: "http", path: "/" }],
    ["the image's check", [{}, withCheck, "h"], {
      kind: "command",
      command: ["/check"],
      intervalMs: 30_000,
      timeoutMs: 2_000,
      unhealthyMs: 60_000,
    }],
    ["the image's check with other times", [
      { healthCheck: { intervalSeconds: 1, unhealthySeconds: 9, restartSeconds: 20 } },
      withCheck,
      "h",
    ], { kind: "command", intervalMs: 1_000, unhealthyMs: 9_000, restartMs: 20_000 }],
    ["the port in place of the image's check", [{ healthCheck: { kind: "port" } }, withCheck, "h"], {
      kind: "port",
      command: [],
    }],
    ["none", [{ healthCheck: { kind: "none" } }, withCheck, "h"], {
      kind: "none",
      path: "",
      host: "",
      command: [],
      settleMs: 10_000,
    }],
    ["none, with a start time", [{ healthCheck: { kind: "none" }, startSeconds: 90 }, IMAGE, "h"], {
      kind: "none",
      settleMs: 90_000,
    }],
    ["the check of an image without one", [{ healthCheck: { kind: "image" } }, IMAGE, "h"], { kind: "port" }],
  ];
  for (const [name, given, expected] of cases) {
    await t.step(name, () => {
      const check = healthCheckOf(...given);
      assert.deepEqual({ ...check, ...expected }, check);
    });
  }
});

Deno.test("imageNotices() tells what of the image is used, and what it loses", () => {
  const image = { ...IMAGE, exposedPorts: [3000], volumes: ["/data"], healthCheck: CHECK };
  const all = imageNotices({}, image);
  assert.match(all[0] ?? "", /exposes port 3000: requests go there, and the app gets PORT=3000/);
  assert.match(all[1] ?? "", /Files in \/data .* end with each instance/);
  assert.match(all[2] ?? "", /HEALTHCHECK is the app's health check/);
  assert.equal(all.length, 3);
  const settings = { port: 3000, healthCheck: { path: "/x" } };
  assert.equal(imageNotices(settings, image).length, 1, "what was set needs no notice");
  const several = imageNotices({}, { ...IMAGE, exposedPorts: [80, 443] });
  assert.match(several[0] ?? "", /exposes the ports 80, 443: requests go to 80/);
});
