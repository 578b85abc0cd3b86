/** The configuration of an image that was built here comes from the engine, and else from where it is. */
import assert from "node:assert/strict";
import type { Engine } from "../../../../pkg/docker/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import type { ImageConfig } from "../../../../pkg/registry/mod.ts";
import { configInEngine } from "./image_config.ts";

const ELSEWHERE: ImageConfig = {
  exposedPorts: [1],
  volumes: [],
  user: "registry",
  stopSignal: "",
  entrypoint: [],
  command: [],
};

/** Reads with an engine that answers so, and counts how often the registry is asked. */
async function read(call: Engine["call"], signal = new AbortController().signal) {
  let asked = 0;
  const engine: Engine = { host: "unix:///none", call, close: () => undefined };
  const reader = configInEngine(engine, () => {
    asked++;
    return Promise.resolve(ELSEWHERE);
  }, silentLogger());
  return { found: await reader("shop:1", signal), asked };
}

Deno.test("the engine's answer is taken, and the registry is not asked", async () => {
  const paths: string[] = [];
  const { found, asked } = await read(({ path }) => {
    paths.push(path);
    return Promise.resolve(Response.json({ Config: { ExposedPorts: { "3000/tcp": {} }, Cmd: ["app"] } }));
  });
  assert.deepEqual([found?.exposedPorts, found?.command, asked], [[3000], ["app"], 0]);
  assert.match(paths[0] ?? "", /shop(?::|%3A)1\/json$/);
});

Deno.test("the registry is asked for what the engine does not have, or does not tell", async (t) => {
  const missing = () => Promise.resolve(Response.json({ message: "No such image" }, { status: 404 }));
  const cases: Readonly<Record<string, Engine["call"]>> = {
    "an image without a configuration": () => Promise.resolve(Response.json({})),
    "a configuration of another form": () => Promise.resolve(Response.json({ Config: { Cmd: "app" } })),
    "no JSON": () => Promise.resolve(new Response("<html>")),
    "no image": missing,
    "no engine": () => Promise.reject(new Error("no connection")),
  };
  for (const [name, call] of Object.entries(cases)) {
    await t.step(name, async () => assert.deepEqual(await read(call), { found: ELSEWHERE, asked: 1 }));
  }
});

Deno.test("an abort ends the read, and is not taken for a silent engine", async () => {
  const stop = new AbortController();
  const reason = new Error("the worker stops");
  const call: Engine["call"] = ({ signal }) => {
    stop.abort(reason);
    return Promise.reject(signal.reason);
  };
  await assert.rejects(read(call, stop.signal), reason);
});
