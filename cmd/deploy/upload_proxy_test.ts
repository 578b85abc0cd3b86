import assert from "node:assert/strict";
import { systemClock } from "../../pkg/clock/mod.ts";
import { isFault } from "../../pkg/fault/mod.ts";
import { type CertificateFiles, makeCertificate } from "../../pkg/testkit/certificate.ts";
import { freePort } from "../../pkg/testkit/ports.ts";
import { access } from "../shared/testing.ts";
import { startParts } from "../shared/deploying/testing.ts";
import { type ProxyScript, startProxy, startTestStore, STORE, type TlsFiles } from "./testing_proxy.ts";
import { upload } from "./upload.ts";
import { MAIN } from "../../pkg/testkit/program.ts";

const CONTENT = "what is built";
const BASIC = `Basic ${btoa("user:hunter2")}`;

/** Uploads some bytes, without waiting between attempts. */
async function send(
  url: string,
  env: Readonly<Record<string, string>>,
  limits: { readonly signal?: AbortSignal; readonly idleMs?: number } = {},
): Promise<void> {
  await upload({
    bytes: new TextEncoder().encode(CONTENT),
    url,
    headers: {},
    env: (name) => env[name],
    clock: { ...systemClock(), sleep: () => Promise.resolve() },
    signal: new AbortController().signal,
    ...limits,
  });
}

async function tlsFiles({ certificate, privateKey }: CertificateFiles): Promise<TlsFiles> {
  return { cert: await Deno.readTextFile(certificate), key: await Deno.readTextFile(privateKey) };
}

/** The text that a failed upload shows. */
async function failure(...sent: Parameters<typeof send>): Promise<string> {
  let text = "";
  await assert.rejects(send(...sent), (error) => {
    assert.ok(isFault(error, "failed_precondition", "unavailable"), String(error));
    text = error.publicMessage ?? "";
    return true;
  });
  assert.doesNotMatch(text, /hunter2/);
  return text;
}

Deno.test("upload() asks the proxy of HTTP_PROXY for the whole URL, with its credentials", async () => {
  await using store = await startTestStore();
  await using proxy = await startProxy({ storePort: store.port });
  await send(`http://${STORE}/put?signature=a%2Fb`, {
    http_proxy: `http://user:hunter2@127.0.0.1:${proxy.port}`,
  });
  assert.deepEqual(proxy.asked, [`PUT http://${STORE}/put?signature=a%2Fb`]);
  assert.deepEqual(proxy.authorizations, [BASIC]);
  assert.deepEqual(store.puts, [{
    path: "/put?signature=a%2Fb",
    host: STORE,
    length: String(CONTENT.length),
    text: CONTENT,
  }]);
});

Deno.test("deploy uploads over TLS through a tunnel of the proxy of HTTPS_PROXY", async (t) => {
  const folder = await Deno.makeTempDir({ prefix: "unkey-proxied-" });
  try {
    const ofStore = await makeCertificate(`${folder}/store`, [`DNS:${STORE}`]);
    const ofProxy = await makeCertificate(`${folder}/proxy`, ["DNS:localhost"]);
    const authorities = await Promise.all(
      [ofStore, ofProxy].map((each) => Deno.readTextFile(each.authority)),
    );
    await Deno.writeTextFile(`${folder}/trusted.pem`, authorities.join(""));
    await Deno.mkdir(`${folder}/app`);
    await Deno.writeTextFile(`${folder}/app/Dockerfile`, "FROM scratch\n");
    for (const scheme of ["http", "https"]) {
      await t.step(`a proxy that speaks ${scheme}`, async () => {
        await using store = await startTestStore(await tlsFiles(ofStore));
        const tls = scheme === "https" ? { tls: await tlsFiles(ofProxy) } : {};
        await using proxy = await startProxy({ storePort: store.port, ...tls });
        await using parts = await startParts({ uploadUrl: `https://${STORE}/put` });
        const { stdout, stderr, code } = await new Deno.Command(Deno.execPath(), {
          args: ["run", "-A", "--quiet", "--cached-only", MAIN, "deploy", `${folder}/app`],
          env: {
            ...access(parts.plane.url),
            HOME: folder,
            XDG_CONFIG_HOME: folder,
            XDG_CACHE_HOME: folder,
            // Deno itself asks the proxy for nothing.
            DENO_NO_UPDATE_CHECK: "1",
            NODE_EXTRA_CA_CERTS: `${folder}/trusted.pem`,
            // The control plane is on this machine: that it answers shows that calls to it take no proxy.
            HTTP_PROXY: `http://127.0.0.1:${freePort()}`,
            HTTPS_PROXY: `${scheme}://user:hunter2@localhost:${proxy.port}`,
            NO_PROXY: "",
            ALL_PROXY: "",
            all_proxy: "",
          },
          stdin: "null",
        }).output();
        const printed = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
        assert.equal(code, 0, printed);
        assert.doesNotMatch(printed, /hunter2/);
        assert.deepEqual(proxy.asked, [`CONNECT ${STORE}:443`]);
        assert.deepEqual(proxy.authorizations, [BASIC]);
        assert.deepEqual(store.puts.map(({ path, host }) => [path, host]), [["/put", STORE]]);
      });
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("upload() goes directly to hosts of NO_PROXY", async () => {
  await using store = await startTestStore();
  await using proxy = await startProxy({ storePort: store.port });
  // This machine, by an address that is not a loopback one: those are exempt anyway.
  const url = `http://0.0.0.0:${store.port}/put`;
  const env = { HTTP_PROXY: `http://127.0.0.1:${proxy.port}` };
  await send(url, { ...env, NO_PROXY: "other.test" });
  assert.deepEqual(proxy.asked, [`PUT ${url}`]);
  await send(url, { ...env, NO_PROXY: `other.test,0.0.0.0:${store.port}` });
  await send(`http://127.0.0.1:${store.port}/put`, env);
  assert.equal(proxy.asked.length, 1);
  assert.equal(store.puts.length, 3);
});

Deno.test("upload() names the proxy that refuses, its answer, and the next step", async (t) => {
  for (const scheme of ["http", "https"]) {
    const cases: readonly [status: number, userinfo: string, says: RegExp, attempts: number][] = [
      [
        407,
        "",
        /wants a user and a password \(407\)\. Put them into (HTTPS?)_PROXY: http:\/\/user:password@127/,
        1,
      ],
      [407, "user:hunter2@", /does not take the user and password of (HTTPS?)_PROXY/, 1],
      [
        403,
        "",
        scheme === "http" ? /or the proxy .* before it, refused the upload with 403/ : /allow that host/,
        1,
      ],
      [
        502,
        "",
        scheme === "http" ? /or the proxy .* before it, answered 502/ : /could not connect to store\.test/,
        4,
      ],
    ];
    for (const [status, userinfo, says, attempts] of cases) {
      await t.step(
        `${status} for ${scheme} ${userinfo === "" ? "without" : "with"} credentials`,
        async () => {
          await using proxy = await startProxy({ storePort: 1, refusesWith: status });
          const url = `http://${userinfo}127.0.0.1:${proxy.port}`;
          const text = await failure(`${scheme}://${STORE}/put`, { HTTP_PROXY: url, HTTPS_PROXY: url });
          assert.match(text, says);
          assert.match(text, new RegExp(`proxy 127\\.0\\.0\\.1:${proxy.port}`));
          assert.equal(proxy.asked.length, attempts, "only what may pass is tried again");
        },
      );
    }
  }
});

Deno.test("upload() names the proxy that is down, and the variable to correct", async (t) => {
  for (const scheme of ["http", "https"]) {
    await t.step(scheme, async () => {
      const port = freePort();
      const url = `http://user:hunter2@127.0.0.1:${port}`;
      const text = await failure(`${scheme}://${STORE}/put`, { HTTP_PROXY: url, HTTPS_PROXY: url });
      const variable = scheme === "http" ? "HTTP_PROXY" : "HTTPS_PROXY";
      assert.match(
        text,
        new RegExp(
          `^The proxy 127\\.0\\.0\\.1:${port}, which ${variable} names, cannot be reached: .*refused.*` +
            `Correct ${variable}, or add store\\.test to NO_PROXY`,
          "i",
        ),
      );
    });
  }
});

Deno.test("upload() leaves a proxy that does not answer as soon as its signal aborts", async () => {
  const [asked, left] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await using proxy = await startProxy({
    storePort: 1,
    silent: { onAsked: asked.resolve, onLeft: left.resolve },
  });
  const stop = new AbortController();
  const sent = send(`https://${STORE}/put`, { HTTPS_PROXY: `127.0.0.1:${proxy.port}` }, {
    signal: stop.signal,
  });
  await asked.promise;
  stop.abort(new DOMException("Got SIGINT", "AbortError"));
  const over = new AbortController();
  // Half of the time after which it would give up anyway.
  const late = systemClock().sleep(30_000, over.signal).then(() => Promise.reject(new Error("too late")));
  await Promise.race([assert.rejects(sent, { name: "AbortError" }), late]).finally(() => over.abort());
  await late.catch(() => undefined);
  await left.promise;
});

Deno.test("upload() gives up an idle proxy, and an idle store behind one", async (t) => {
  using store = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const silent = { onAsked: () => undefined, onLeft: () => undefined };
  const cases: readonly [name: string, script: ProxyScript, says: RegExp][] = [
    ["the proxy", { storePort: 1, silent }, /nothing came from it for 0\.1 s/],
    ["the store", { storePort: store.addr.port }, /nothing moved for 0\.1 s/],
  ];
  for (const [name, script, says] of cases) {
    await t.step(name, async () => {
      await using proxy = await startProxy(script);
      const env = { HTTPS_PROXY: `127.0.0.1:${proxy.port}` };
      const text = await failure(`https://${STORE}/put`, env, { idleMs: 100 });
      assert.match(text, says);
      assert.match(text, new RegExp(`through the proxy 127\\.0\\.0\\.1:${proxy.port} broke off`));
      assert.equal(proxy.asked.length, 4);
    });
  }
});
