import assert from "node:assert/strict";
import { sha256Hex } from "../hash/mod.ts";
import { silentLogger } from "../logger/mod.ts";
import { createConfigReader } from "./mod.ts";

const CONFIG = JSON.stringify({
  architecture: "amd64",
  config: {
    ExposedPorts: { "9000/tcp": {}, "53/udp": {}, "80": {}, "x/tcp": {} },
    Volumes: { "/b": {}, "/a": {} },
    Healthcheck: { Test: ["CMD-SHELL", "wget -q localhost"], Interval: 5_000_000_000, Retries: 4 },
    User: "app:app",
    StopSignal: "SIGQUIT",
    Entrypoint: ["/entry"],
    Cmd: null,
  },
});
const digestOf = (text: string): string => `sha256:${sha256Hex(text)}`;
const MANIFEST = JSON.stringify({ config: { digest: digestOf(CONFIG) } });
const INDEX = JSON.stringify({
  manifests: [
    { digest: digestOf("other"), platform: { os: "linux", architecture: "arm64" } },
    { digest: digestOf(MANIFEST), platform: { os: "linux", architecture: "amd64" } },
  ],
});
const EXPECTED = {
  exposedPorts: [80, 9000],
  healthCheck: {
    command: ["/bin/sh", "-c", "wget -q localhost"],
    intervalMs: 5_000,
    timeoutMs: 0,
    retries: 4,
  },
  volumes: ["/a", "/b"],
  user: "app:app",
  stopSignal: "SIGQUIT",
  entrypoint: ["/entry"],
  command: [],
};

/** A registry on this machine that speaks plain HTTP, wants a token, and has these documents by path. */
async function read(documents: Readonly<Record<string, string>>, tokens = { asked: 0 }) {
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => undefined };
  await using server: Deno.HttpServer<Deno.NetAddr> = Deno.serve(options, (request) => {
    const { pathname, origin } = new URL(request.url);
    if (pathname === "/token") {
      tokens.asked++;
      return Response.json({ token: "t" });
    }
    if (request.headers.get("authorization") !== "Bearer t") {
      return new Response(null, {
        status: 401,
        headers: { "www-authenticate": `Bearer realm="${origin}/token",service="s"` },
      });
    }
    const found = documents[pathname.replace("/v2/team/app/", "")];
    return found === undefined ? new Response(null, { status: 404 }) : new Response(found);
  });
  const host = `localhost:${server.addr.port}`;
  const reader = createConfigReader({ registry: undefined, trustedHosts: [host], log: silentLogger() });
  return await reader(`${host}/team/app:1`, AbortSignal.timeout(120_000));
}

Deno.test("a config reader reads an image's configuration, through an index too, with one token", async (t) => {
  const blob = { [`blobs/${digestOf(CONFIG)}`]: CONFIG };
  await t.step("a single image", async () => {
    const tokens = { asked: 0 };
    assert.deepEqual(await read({ "manifests/1": MANIFEST, ...blob }, tokens), EXPECTED);
    assert.equal(tokens.asked, 1);
  });
  await t.step("an index", async () => {
    const documents = { "manifests/1": INDEX, [`manifests/${digestOf(MANIFEST)}`]: MANIFEST, ...blob };
    assert.deepEqual(await read(documents), EXPECTED);
  });
});

Deno.test("a config reader knows nothing of what is missing, foreign, too long or broken", async (t) => {
  const other = JSON.stringify({ config: { ExposedPorts: { "1/tcp": {} } } });
  const cases: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    "no image": {},
    "a blob that is not the one of its digest": {
      "manifests/1": MANIFEST,
      [`blobs/${digestOf(CONFIG)}`]: other,
    },
    "a manifest that is no JSON": { "manifests/1": "<html>" },
    "a manifest of another form": { "manifests/1": "[1]" },
    "a manifest without end": { "manifests/1": " ".repeat(5 * 1024 * 1024) },
  };
  for (const [name, documents] of Object.entries(cases)) {
    await t.step(name, async () => assert.equal(await read(documents), undefined));
  }
});
