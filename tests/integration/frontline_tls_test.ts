/** The edge's own TLS: certificates come by the feed, one listener serves HTTP/1.1 and HTTP/2. */
import assert from "node:assert/strict";
import { connect as connectHttp2 } from "node:http2";
import { connect, type TLSSocket } from "node:tls";
import { addCertificate, type CertificateFiles, makeCertificate } from "../../pkg/testkit/certificate.ts";
import { eventually } from "../testbed/wait.ts";
import { app, get, startEdge, type TestEdge } from "./frontline_edge.ts";
import {
  applyCertificate,
  applyEndpoints,
  applyRoute,
  Feed,
  type FeedStream,
  snapshotEnd,
} from "./frontline_feed.ts";

const HOST = "app.test";

interface Bed extends AsyncDisposable {
  readonly feed: Feed;
  readonly edge: TestEdge;
  readonly stream: FeedStream;
  readonly folder: string;
  readonly first: CertificateFiles;
  readonly authority: string;
}

/** An edge with an app at two hosts, and a certificate for one of them. */
async function start(extra: Parameters<typeof startEdge>[1] = {}): Promise<Bed> {
  const folder = await Deno.makeTempDir({ prefix: "unkey-frontline-tls-" });
  const first = await makeCertificate(folder, [`DNS:${HOST}`]);
  const one = app("one");
  const feed = await Feed.start();
  const edge = startEdge(feed.url, { httpsPort: 0, ...extra });
  const stream = await feed.stream();
  stream.send(1, applyEndpoints("d_1", one.port));
  stream.send(2, applyRoute("ir_1", HOST, "d_1"));
  stream.send(3, applyRoute("ir_2", "www.test", "d_1"));
  stream.send(4, await applyCertificate("cert_1", HOST, first));
  stream.send(4, snapshotEnd(4));
  await edge.ready;
  const authority = await Deno.readTextFile(first.authority);
  return {
    feed,
    edge,
    stream,
    folder,
    first,
    authority,
    [Symbol.asyncDispose]: async () => {
      await edge[Symbol.asyncDispose]();
      await feed[Symbol.asyncDispose]();
      await one.stop();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** The connection after its handshake. */
function shake(bed: Bed, serverName: string): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: "127.0.0.1",
      port: bed.edge.httpsPort ?? 0,
      servername: serverName,
      ca: bed.authority,
      ALPNProtocols: ["http/1.1"],
    }, () => resolve(socket));
    socket.once("error", reject);
  });
}

/** The serial number of the certificate that a name is served with; `undefined` when it is refused. */
async function serialOf(bed: Bed, serverName: string): Promise<string | undefined> {
  try {
    const socket = await shake(bed, serverName);
    const { serialNumber } = socket.getPeerCertificate();
    socket.destroy();
    return serialNumber;
  } catch {
    return undefined;
  }
}

function ask(socket: TLSSocket, host = HOST): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once("data", (bytes: Uint8Array) => resolve(new TextDecoder().decode(bytes)));
    socket.once("error", reject);
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  });
}

Deno.test("an edge serves HTTP/1.1 and HTTP/2 with the certificate of the feed", async () => {
  await using bed = await start();
  const socket = await shake(bed, HOST);
  assert.match(await ask(socket), /^HTTP\/1\.1 200 OK\r\n[^]*one$/);
  socket.destroy();
  const session = connectHttp2(`https://127.0.0.1:${bed.edge.httpsPort}`, {
    servername: HOST,
    ca: bed.authority,
  });
  const answer = await new Promise<{ status: unknown; body: string }>((resolve, reject) => {
    const stream = session.request({ ":method": "POST", ":path": "/", ":authority": HOST });
    let status: unknown;
    let body = "";
    stream.on("response", (headers) => status = headers[":status"]);
    stream.on("data", (bytes: Uint8Array) => body += new TextDecoder().decode(bytes));
    stream.on("end", () => resolve({ status, body }));
    stream.on("error", reject);
    stream.end("a body");
  });
  session.close();
  assert.deepEqual(answer, { status: 200, body: "one" });
});

Deno.test("a renewed certificate is used for new handshakes, and drops no connection", async () => {
  await using bed = await start();
  const open = await shake(bed, HOST);
  const before = await serialOf(bed, HOST);
  const renewed = await addCertificate(bed.folder, [`DNS:${HOST}`], "second-");
  bed.stream.send(5, await applyCertificate("cert_1", HOST, renewed));
  await eventually("the new certificate", async () => await serialOf(bed, HOST) !== before);
  assert.match(await ask(open), /^HTTP\/1\.1 200 OK/);
  open.destroy();
});

Deno.test("a certificate that cannot be used leaves the former one in use, and is logged", async () => {
  await using bed = await start();
  const before = await serialOf(bed, HOST);
  const other = await addCertificate(bed.folder, [`DNS:${HOST}`], "other-");
  const broken = { certificate: other.certificate, privateKey: bed.first.privateKey };
  bed.stream.send(5, await applyCertificate("cert_1", HOST, broken));
  bed.stream.send(6, {
    case: "applyCertificate",
    value: {
      certificateId: "cert_1",
      hostname: HOST,
      certificateChainPem: "no",
      privateKeyPem: "secret",
      notAfterMs: 1n,
    },
  });
  await eventually(
    "both to be logged",
    () => bed.edge.logs.filter((line) => line.includes("cannot be used")).length === 2,
  );
  assert.equal(await serialOf(bed, HOST), before);
  assert.ok(!bed.edge.logs.some((line) => line.includes("secret") || line.includes("PRIVATE")));
});

Deno.test("names are served by their own certificate, else by a wildcard one level above, else refused", async () => {
  await using bed = await start();
  const wild = await addCertificate(bed.folder, ["DNS:*.test", "DNS:www.test"], "wild-");
  bed.stream.send(5, await applyCertificate("cert_2", "*.test", wild));
  const own = await serialOf(bed, HOST);
  await eventually("the wildcard", async () => await serialOf(bed, "www.test") !== undefined);
  assert.notEqual(await serialOf(bed, "www.test"), own);
  assert.equal(await serialOf(bed, "a.www.test"), undefined);
  bed.stream.send(6, { case: "deleteCertificate", value: { certificateId: "cert_1", hostname: HOST } });
  await eventually("the wildcard again", async () => await serialOf(bed, HOST) !== own);
  bed.stream.send(7, { case: "deleteCertificate", value: { certificateId: "cert_2", hostname: "*.test" } });
  await eventually("no certificate", async () => await serialOf(bed, HOST) === undefined);
});

/** One request by OpenSSL, which keeps the session of the server in a file. */
async function openssl(bed: Bed, ...args: readonly string[]): Promise<string> {
  const command = new Deno.Command("openssl", {
    args: [
      "s_client",
      "-connect",
      `127.0.0.1:${bed.edge.httpsPort}`,
      "-servername",
      HOST,
      "-ign_eof",
      ...args,
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  });
  const child = command.spawn();
  const writer = child.stdin.getWriter();
  await writer.write(
    new TextEncoder().encode(`GET / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`),
  );
  await writer.close();
  return new TextDecoder().decode((await child.output()).stdout);
}

Deno.test("a client resumes its session", async (t) => {
  await using bed = await start();
  for (const version of ["-tls1_3", "-tls1_2"]) {
    await t.step(version, async () => {
      const file = `${bed.folder}/session${version}`;
      assert.match(await openssl(bed, version, "-sess_out", file), /^New, TLSv1\.[23]/m);
      assert.match(await openssl(bed, version, "-sess_in", file), /^Reused, TLSv1\.[23]/m);
    });
  }
});

Deno.test("TLS before 1.2 is refused", async () => {
  await using bed = await start();
  assert.match(await openssl(bed, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"), /Cipher is \(NONE\)/);
});

async function location(
  edge: TestEdge,
  host: string,
  path: string,
): Promise<{ status: number; location: string | undefined }> {
  const response = await fetchRaw(edge.port, host, path);
  return { status: Number(response.slice(9, 12)), location: /\r\nLocation: (.*)\r\n/.exec(response)?.[1] };
}

async function fetchRaw(port: number, host: string, path: string): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(
    new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
  );
  return await new Response(conn.readable).text();
}

Deno.test("http:// is redirected to https:// for hosts with a certificate, and for no others", async () => {
  await using bed = await start({ httpsPublicPort: 8443 });
  assert.deepEqual(await location(bed.edge, HOST, "/a?b=c"), {
    status: 308,
    location: "https://app.test:8443/a?b=c",
  });
  assert.deepEqual(await location(bed.edge, "www.test", "/"), { status: 200, location: undefined });
});

Deno.test("a redirected host answers with its other host, path and query kept", async () => {
  await using bed = await start({ httpsRedirect: false });
  bed.stream.send(5, applyRoute("ir_2", "www.test", "d_1", false, "app.test"));
  await eventually("the redirect", async () => (await location(bed.edge, "www.test", "/")).status === 308);
  assert.equal((await location(bed.edge, "www.test:7070", "/x?y")).location, "http://app.test:7070/x?y");
  assert.equal((await location(bed.edge, HOST, "/")).status, 200);
});

Deno.test("a challenge is answered for every host, and is the app's when it is not known", async () => {
  await using bed = await start();
  const path = "/.well-known/acme-challenge/";
  bed.feed.challenges.set("new.test abc-_1", "abc-_1.thumb");
  bed.feed.challenges.set(`${HOST} abc`, "abc.thumb");
  assert.deepEqual(await get(bed.edge.port, "new.test", `${path}abc-_1`), {
    status: 200,
    body: "abc-_1.thumb",
  });
  assert.deepEqual(await get(bed.edge.port, HOST, `${path}abc`), { status: 200, body: "abc.thumb" });
  assert.deepEqual(await get(bed.edge.port, HOST, `${path}unknown`), { status: 200, body: "one" });
  assert.equal((await get(bed.edge.port, "new.test", `${path}unknown`)).status, 404);
  assert.equal(bed.feed.asked.length, 4);
  await get(bed.edge.port, HOST, `${path}abc`);
  for (const odd of ["a.b", "a/b", "", "x".repeat(129), "%41"]) {
    await get(bed.edge.port, HOST, `${path}${odd}`);
  }
  assert.equal(bed.feed.asked.length, 4, "known answers are kept, and odd tokens are not asked for");
  assert.deepEqual([...bed.feed.tokens], ["Bearer region_edge"]);
});

/** A renewal of many certificates at once must break no connection. */
Deno.test("500 hosts get new certificates while clients connect, and no handshake fails", async () => {
  await using bed = await start();
  const hosts = Array.from({ length: 500 }, (_, index) => `h${index}.many.test`);
  const [before, after] = [
    await addCertificate(bed.folder, ["DNS:*.many.test"], "before-"),
    await addCertificate(bed.folder, ["DNS:*.many.test"], "after-"),
  ];
  let version = 4;
  const send = async (files: CertificateFiles): Promise<void> => {
    const state = await applyCertificate("", "", files);
    if (state?.case !== "applyCertificate") return;
    for (const hostname of hosts) {
      const value = { ...state.value, certificateId: `cert_${hostname}`, hostname };
      bed.stream.send(++version, { case: "applyCertificate", value });
    }
  };
  await send(before);
  const last = hosts.at(-1) ?? "";
  await eventually("the first certificates", async () => await serialOf(bed, last) !== undefined);
  const old = await serialOf(bed, last);
  const sent = send(after);
  let handshakes = 0;
  let failed = 0;
  await eventually("the new certificates", async () => {
    const host = hosts[handshakes++ % hosts.length] ?? "";
    if (await serialOf(bed, host) === undefined) failed++;
    return await serialOf(bed, last) !== old;
  }, { everyMs: 1 });
  await sent;
  assert.equal(failed, 0, `of ${handshakes} handshakes`);
});
