import assert from "node:assert/strict";
import { connect, createServer, type Socket } from "node:net";
import { ask, refusal, requestWith, withCluster } from "./testing_kubeconfig.ts";
import { type SeenRequest, TlsApi } from "./testing_tls_api.ts";

Deno.test("a kubeconfig's credentials of each kind reach the API", async (t) => {
  await using api = await TlsApi.open();
  const operator = await api.clientCertificate("operator");
  const encoded = (path: string): string => new TextEncoder().encode(Deno.readTextFileSync(path)).toBase64();
  await api.write("token", "from-a-file\n");
  const cases: readonly [string, unknown, Partial<SeenRequest>][] = [
    ["token", { token: "abc" }, { authorization: "Bearer abc", client: "" }],
    ["tokenFile", { tokenFile: "token" }, { authorization: "Bearer from-a-file" }],
    ["basic auth", { username: "me", password: "pässword" }, {
      authorization: `Basic ${new TextEncoder().encode("me:pässword").toBase64()}`,
    }],
    ["certificate in files", {
      "client-certificate": "tls/operator-cert.pem",
      "client-key": operator.privateKey,
    }, { authorization: "", client: "operator" }],
    ["certificate in the kubeconfig", {
      "client-certificate-data": encoded(operator.certificate),
      "client-key-data": encoded(operator.privateKey),
    }, { authorization: "", client: "operator" }],
  ];
  for (const [name, user, expected] of cases) {
    await t.step(name, async () => {
      const seen = await requestWith(api, { kubeconfig: await api.kubeconfig(user) });
      assert.partialDeepStrictEqual({ ...seen }, expected);
    });
  }
});

Deno.test("impersonation is sent with its groups, uid and extra values", async () => {
  await using api = await TlsApi.open();
  const user = {
    token: "abc",
    as: "jane",
    "as-uid": "42",
    "as-groups": ["developers", "admins"],
    "as-user-extra": { "example.com/Scopes": ["view"] },
  };
  const { rawHeaders } = await requestWith(api, { kubeconfig: await api.kubeconfig(user) });
  const sent = rawHeaders.flatMap((name, at) =>
    at % 2 === 0 ? [[name.toLowerCase(), rawHeaders[at + 1]]] : []
  )
    .filter(([name]) => name?.startsWith("impersonate-"));
  assert.deepEqual(sent, [
    ["impersonate-user", "jane"],
    ["impersonate-uid", "42"],
    ["impersonate-group", "developers"],
    ["impersonate-group", "admins"],
    ["impersonate-extra-example.com%2fscopes", "view"],
  ]);
});

Deno.test("a context is chosen by name, else by the file, and an unknown one lists those there are", async () => {
  await using api = await TlsApi.open();
  const cluster = { server: api.server, "certificate-authority": "tls/authority.pem" };
  const config = {
    "current-context": "first",
    contexts: [
      { name: "first", context: { cluster: "k", user: "a" } },
      { name: "second", context: { cluster: "k", user: "b" } },
    ],
    clusters: [{ name: "k", cluster }],
    users: [{ name: "a", user: { token: "a" } }, { name: "b", user: { token: "b" } }],
  };
  const kubeconfig = await api.write("kubeconfig", config);
  assert.equal((await requestWith(api, { kubeconfig })).authorization, "Bearer a");
  assert.equal((await requestWith(api, { kubeconfig, context: "second" })).authorization, "Bearer b");
  await refusal({ kubeconfig, context: "third" }, /has no context "third" \(its contexts: first, second\)/);
  const without = await api.write("without", { ...config, "current-context": "" });
  await refusal({ kubeconfig: without }, /no current context: name one with --kube-context/);
});

Deno.test("of several kubeconfig files the first one with a name wins, and missing ones are left out", async () => {
  await using api = await TlsApi.open();
  await Deno.mkdir(`${api.folder}/other`);
  const first = await api.write("first", {
    "current-context": "mine",
    clusters: null,
    contexts: [{ name: "mine", context: { cluster: "k", user: "u" } }],
    users: [{ name: "u", user: { token: "first" } }],
  });
  const second = await api.write("other/second", {
    "current-context": "theirs",
    contexts: [],
    // Relative to this file.
    clusters: [{
      name: "k",
      cluster: { server: api.server, "certificate-authority": "../tls/authority.pem" },
    }],
    users: [{ name: "u", user: { token: "second" } }],
  });
  const kubeconfig = `${api.folder}/missing:${first}:${second}`;
  assert.equal((await requestWith(api, { kubeconfig })).authorization, "Bearer first");
  await refusal({ kubeconfig: `${api.folder}/a:${api.folder}/b` }, /does not exist/);
});

/** Counts connections that are asked for with CONNECT, and makes them. */
class ConnectProxy implements AsyncDisposable {
  readonly targets: string[] = [];
  readonly authorizations: string[] = [];
  readonly #open = new Set<Socket>();
  readonly #server = createServer((client) => {
    this.#keep(client);
    client.once("data", (head) => {
      const text = head.toString();
      const target = /^CONNECT (\S+)/.exec(text)?.[1] ?? "";
      this.targets.push(target);
      this.authorizations.push(/^proxy-authorization: (.*)$/im.exec(text)?.[1]?.trim() ?? "");
      const upstream = connect(Number(target.split(":")[1]), "127.0.0.1", () => {
        client.write("HTTP/1.1 200 OK\r\n\r\n");
        client.pipe(upstream).pipe(client);
      });
      this.#keep(upstream);
    });
  });

  static async open(): Promise<ConnectProxy> {
    const proxy = new ConnectProxy();
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get address(): string {
    const address = this.#server.address();
    return typeof address === "object" ? `127.0.0.1:${address?.port}` : "";
  }

  #keep(socket: Socket): void {
    this.#open.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#open.delete(socket));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

Deno.test("calls go through the proxy that the kubeconfig names", async () => {
  await using api = await TlsApi.open();
  await using proxy = await ConnectProxy.open();
  const named = (url: string): Promise<string> => api.kubeconfig({ token: "abc" }, { "proxy-url": url });
  await requestWith(api, { kubeconfig: await named(`http://me:p%40ss@${proxy.address}`) });
  assert.deepEqual(proxy.targets, [`127.0.0.1:${api.port}`]);
  assert.deepEqual(proxy.authorizations, [`Basic ${btoa("me:p@ss")}`]);
  await refusal(
    { kubeconfig: await named("socks4://127.0.0.1:1") },
    /proxy-url "socks4:.*name an http, https or socks5/,
  );
});

Deno.test("a plain HTTP server is called without TLS", async () => {
  await using api = await TlsApi.open();
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
    (request) => Response.json({ gitVersion: request.headers.get("authorization") }),
  );
  const cluster = { server: `http://127.0.0.1:${server.addr.port}` };
  await withCluster({ kubeconfig: await api.kubeconfig({ token: "abc" }, cluster) }, async (opened) => {
    assert.equal(await ask(opened), "Bearer abc");
  });
});

Deno.test("a kubeconfig that cannot be used says why", async (t) => {
  await using api = await TlsApi.open();
  const base = {
    "current-context": "c",
    contexts: [{ name: "c", context: { cluster: "k", user: "u" } }],
    clusters: [{ name: "k", cluster: { server: "https://127.0.0.1:1/" } }],
    users: [{ name: "u", user: { token: "t" } }],
  };
  const withCluster = (cluster: object): unknown => ({
    ...base,
    clusters: [{ name: "k", cluster: { server: "https://x", ...cluster } }],
  });
  const withUser = (user: object): unknown => ({ ...base, users: [{ name: "u", user }] });
  const cases: readonly [string, unknown, RegExp][] = [
    ["no YAML", "no: [", /is not a kubeconfig/],
    ["empty", "", /has no current context/],
    ["no such context", { ...base, "current-context": "x" }, /has no context "x"/],
    ["no such cluster", { ...base, clusters: [] }, /has no cluster "k"/],
    ["no such user", { ...base, users: [] }, /has no user "u"/],
    [
      "no credential",
      withUser({}),
      /has a user "u" without token, password, certificate with key, or command/,
    ],
    [
      "missing file",
      withUser({ "client-certificate": "a", "client-key": "b" }),
      /names a file that cannot be read/,
    ],
    ["no check of certificates", withCluster({ "insecure-skip-tls-verify": true }), /accept any certificate/],
    [
      "other server name",
      withCluster({ "tls-server-name": "kubernetes" }),
      /tls-server-name: kubernetes.*not supported: name/,
    ],
    [
      "a command with questions",
      withUser({ exec: { command: "login", interactiveMode: "Always" } }),
      /"login" that needs a terminal/,
    ],
  ];
  for (const [name, content, expected] of cases) {
    await t.step(name, async () => refusal({ kubeconfig: await api.write("bad", content) }, expected));
  }
  await refusal({ kubeconfig: `${api.folder}/missing` }, /cannot be read/);
});
