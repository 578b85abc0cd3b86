import assert from "node:assert/strict";
import { Secret } from "../config/mod.ts";
import { isFault } from "../fault/mod.ts";
import { silentLogger } from "../logger/mod.ts";
import { guardedRequest } from "./guarded_request.ts";
import { createDigestResolver } from "./mod.ts";
import { trustedFrom } from "./resolve.ts";
import { isPublicAddress } from "./public_address.ts";
import { parseReference } from "./reference.ts";

const DIGEST = `sha256:${"b".repeat(64)}`;
const limit = (): AbortSignal => AbortSignal.timeout(120_000);

/** A registry on this machine that speaks plain HTTP; `asked` are the requests that it saw. */
function serve(answer: (request: Request, url: string) => Response) {
  const asked: string[] = [];
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => undefined };
  const server: Deno.HttpServer<Deno.NetAddr> = Deno.serve(options, (request) => {
    const { pathname, search } = new URL(request.url);
    asked.push(`${request.method} ${pathname}${search} ${request.headers.get("authorization") ?? "-"}`);
    return answer(request, host);
  });
  const host = `localhost:${server.addr.port}`;
  return { host, asked, [Symbol.asyncDispose]: () => server.shutdown() };
}

const found = (): Response => new Response(null, { headers: { "docker-content-digest": DIGEST } });

Deno.test("parseReference() knows where an image is asked for", () => {
  const cases: readonly [string, string, string, string][] = [
    ["nginx", "registry-1.docker.io", "library/nginx", "latest"],
    ["team/app:1", "registry-1.docker.io", "team/app", "1"],
    ["docker.io/nginx:1.29", "registry-1.docker.io", "library/nginx", "1.29"],
    ["localhost/app", "localhost", "app", "latest"],
    ["r.example:5000/a/b:c", "r.example:5000", "a/b", "c"],
    ["Registry/app", "Registry", "app", "latest"],
  ];
  for (const [image, host, path, tag] of cases) {
    const { name: _name, ...rest } = parseReference(image);
    assert.deepEqual(rest, { host, path, tag, digest: undefined }, image);
  }
  assert.equal(parseReference(`a@${DIGEST}`).digest, DIGEST);
});

Deno.test("isPublicAddress() refuses this machine, its network and its cloud", () => {
  for (const address of ["1.1.1.1", "172.32.0.1", "2606:4700::1111"]) {
    assert.ok(isPublicAddress(address), address);
  }
  for (
    const address of [
      "127.0.0.1",
      "10.1.2.3",
      "172.16.0.1",
      "192.168.1.1",
      "169.254.169.254",
      "100.100.100.200",
      "0.0.0.0",
      "255.255.255.255",
      "::1",
      "::",
      "fe80::1",
      "fd00::1",
      "::ffff:127.0.0.1",
      "::ffff:8.8.8.8",
      "64:ff9b::7f00:1",
      "2002:7f00:1::",
      "no address",
    ]
  ) {
    assert.ok(!isPublicAddress(address), address);
  }
});

/** Users name the host: they must not reach what only the platform can reach. */
Deno.test("a private host is not asked unless the operator trusts it", async () => {
  await using registry = serve(found);
  for (const host of [registry.host, registry.host.replace("localhost", "127.0.0.1"), "169.254.169.254"]) {
    const url = new URL(`https://${host}/v2/`);
    const asking = guardedRequest({ method: "GET", url, trustedHosts: new Set(), signal: limit() });
    await assert.rejects(asking, (error) => isFault(error, "permission_denied"), host);
  }
  const resolve = createDigestResolver({ registry: undefined, trustedHosts: [], log: silentLogger() });
  const resolving = resolve(`${registry.host}/team/app:1`, limit());
  await assert.rejects(resolving, (error) => isFault(error, "permission_denied"));
  assert.deepEqual(registry.asked, []);
});

Deno.test("a trusted registry gives the digest, and its redirects lead nowhere else", async () => {
  await using other = serve(found);
  await using registry = serve((request, host) => {
    const { pathname } = new URL(request.url);
    if (pathname.includes("/away/")) return Response.redirect(`http://${other.host}/x`);
    if (pathname.includes("/loop/")) return Response.redirect(`http://${host}${pathname}`);
    return found();
  });
  const trustedHosts = [registry.host];
  const resolve = createDigestResolver({ registry: undefined, trustedHosts, log: silentLogger() });
  assert.equal(await resolve(`${registry.host}/team/app:1`, limit()), DIGEST);
  const away = resolve(`${registry.host}/away/app:1`, limit());
  await assert.rejects(away, (error) => isFault(error, "permission_denied"));
  assert.equal(await resolve(`${registry.host}/loop/app:1`, limit()), undefined);
  assert.deepEqual(other.asked, []);
});

/** Redirects and the realm of a challenge are chosen by the registry that a user named. */
Deno.test("only a trusted registry leads to trusted hosts, which are known with and without their port", async () => {
  const trusted = new Set(["r.example:443", "r.example:5000"]);
  assert.deepEqual(trustedFrom("r.example:5000", trusted), trusted);
  for (const host of ["evil.example", "r.example", "registry-1.docker.io"]) {
    assert.deepEqual(trustedFrom(host, trusted), new Set(), host);
  }
  const asking = guardedRequest({
    method: "HEAD",
    url: new URL("https://localhost:443/"),
    trustedHosts: new Set(["localhost:443"]),
    signal: limit(),
  });
  await assert.rejects(asking, (error) => isFault(error, "unavailable"));
});

Deno.test("a token is fetched from whom the registry names; the platform's password is for its own images", async () => {
  await using registry = serve((request, host) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/token") return Response.json({ token: "t0ken" });
    if (request.headers.get("authorization") === "Bearer t0ken") return found();
    const challenge = `Bearer realm="http://${host}/token",service="r",scope="repository:x:pull"`;
    return new Response(null, { status: 401, headers: { "www-authenticate": challenge } });
  });
  const credentials = { username: "ci", password: new Secret("s3cret") };
  const resolve = createDigestResolver({
    registry: { name: `${registry.host}/apps`, credentials },
    trustedHosts: [],
    log: silentLogger(),
  });
  const token = (): string => registry.asked.find((each) => each.includes("/token")) ?? "";
  assert.equal(await resolve(`${registry.host}/theirs/app:1`, limit()), DIGEST);
  assert.equal(token(), "GET /token?service=r&scope=repository%3Ax%3Apull -");
  registry.asked.length = 0;
  assert.equal(await resolve(`${registry.host}/apps/app:1`, limit()), DIGEST);
  assert.match(token(), new RegExp(` Basic ${btoa("ci:s3cret")}$`));
});
