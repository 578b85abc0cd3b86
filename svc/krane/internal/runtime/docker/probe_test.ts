import assert from "node:assert/strict";
import { plainCheck } from "../../deployment/health_check.ts";
import { probeOnce, type ProbeTarget } from "./probe.ts";

const signal = new AbortController().signal;
/** In no network of this machine, as containers are where Docker runs in a machine of its own. */
const ELSEWHERE = "198.51.100.1";

function target(port: number, changes: Partial<ProbeTarget> = {}): ProbeTarget {
  return {
    key: "k",
    ip: "127.0.0.1",
    port,
    published: { host: "127.0.0.1", port },
    container: "c",
    check: plainCheck(""),
    ...changes,
  };
}

function closedPort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  return listener.addr.port;
}

Deno.test("probeOnce() asks the app itself where it can be reached", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  try {
    assert.deepEqual(await probeOnce(target(listener.addr.port), signal), { ok: true });
  } finally {
    listener.close();
  }
  const port = closedPort();
  assert.deepEqual(await probeOnce(target(port), signal), { ok: false, detail: "connection refused" });
});

/** Docker's own proxy accepts connections for an app that does not listen. */
Deno.test("probeOnce() is not deceived by a proxy that accepts and hangs up", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let stay = false;
  const kept: Deno.Conn[] = [];
  const serving = (async () => {
    for await (const connection of listener) {
      if (stay) kept.push(connection);
      else connection.close();
    }
  })();
  const proxied = target(1, { ip: ELSEWHERE, published: { host: "127.0.0.1", port: listener.addr.port } });
  try {
    assert.equal((await probeOnce(proxied, signal)).ok, false);
    stay = true;
    assert.equal((await probeOnce(proxied, signal)).ok, true);
  } finally {
    for (const connection of kept) connection.close();
    listener.close();
    await serving;
  }
});

Deno.test("probeOnce() takes 2xx and 3xx of the health check path for an answer", async () => {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => undefined }, (request) => {
    const status = Number(new URL(request.url).pathname.slice(1));
    return new Response(null, { status, headers: status === 302 ? { location: "http://192.0.2.1/" } : {} });
  });
  try {
    const answers = [];
    for (const status of [204, 302, 404, 500]) {
      answers.push(await probeOnce(target(server.addr.port, { check: plainCheck(`/${status}`) }), signal));
    }
    assert.deepEqual(answers, [
      { ok: true },
      { ok: true },
      { ok: false, detail: "it answered 404" },
      { ok: false, detail: "it answered 500" },
    ]);
  } finally {
    await server.shutdown();
  }
});

Deno.test("probeOnce() names the host of the app, for apps that refuse any other", async () => {
  const hosts: (string | null)[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => undefined }, ({ headers }) => {
    hosts.push(headers.get("host"));
    return new Response(null, { status: headers.get("host") === "shop-acme.localhost" ? 200 : 400 });
  });
  const { port } = server.addr;
  try {
    const named = target(port, { check: plainCheck("/", "shop-acme.localhost") });
    assert.deepEqual(await probeOnce(named, signal), { ok: true });
    assert.deepEqual(await probeOnce(target(port, { check: plainCheck("/") }), signal), {
      ok: false,
      detail: "it answered 400",
    });
    assert.deepEqual(hosts, ["shop-acme.localhost", `127.0.0.1:${port}`]);
  } finally {
    await server.shutdown();
  }
});

const CONFIG = new URL("../../../../../deno.json", import.meta.url).pathname;

Deno.test("probeOnce() asks the app itself, also when the environment names a proxy", async () => {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
    () => new Response(),
  );
  const probe = new URL("./probe.ts", import.meta.url);
  const asked = target(server.addr.port, { check: plainCheck("/health") });
  const code = `import { probeOnce } from "${probe}";
    console.log(JSON.stringify(await probeOnce(${JSON.stringify(asked)}, new AbortController().signal)));`;
  try {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--quiet",
        `--config=${CONFIG}`,
        `data:application/typescript,${encodeURIComponent(code)}`,
      ],
      env: { HTTP_PROXY: "http://127.0.0.1:1" },
    }).output();
    assert.deepEqual(JSON.parse(new TextDecoder().decode(stdout)), { ok: true });
  } finally {
    await server.shutdown();
  }
});
