import assert from "node:assert/strict";
import { openEngine } from "../../../../pkg/docker/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import type { ManifestState } from "../../../../pkg/registry/mod.ts";
import { presenceInEngine } from "./image_presence.ts";

const IMAGE = "unkey.local/ws_1/p_1:d_1_secret";

async function look(
  status: number,
  body: unknown,
  signal = new AbortController().signal,
): Promise<ManifestState> {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
    ({ url }) =>
      url.endsWith("/version")
        ? Response.json({ ApiVersion: "1.41", Version: "20.10" })
        : Response.json(body, { status }),
  );
  const engine = openEngine(`tcp://127.0.0.1:${server.addr.port}`);
  try {
    return await presenceInEngine(engine, silentLogger())(IMAGE, signal);
  } finally {
    engine.close();
  }
}

Deno.test("presenceInEngine() tells whether the engine has an image", async () => {
  assert.equal(await look(200, { Id: "sha256:1", RepoTags: [IMAGE] }), "present");
  assert.equal(await look(404, { message: "No such image" }), "missing");
});

/** A deploy must end in a build then, and never in a failure. */
Deno.test("presenceInEngine() knows nothing when the engine fails or is gone", async () => {
  assert.equal(await look(500, { message: "broken" }), "unknown");
  assert.equal(await look(200, "no image at all"), "unknown");
  const gone = openEngine("unix:///nowhere/docker.sock");
  assert.equal(await presenceInEngine(gone, silentLogger())(IMAGE, new AbortController().signal), "unknown");
  gone.close();
});

Deno.test("presenceInEngine() ends with its caller", async () => {
  const stop = new AbortController();
  stop.abort(new Error("stopped"));
  await assert.rejects(look(200, {}, stop.signal), /stopped/);
});
