import assert from "node:assert/strict";
import { askAt, socketOf, socketUrl } from "./mod.ts";

const echo = async (request: Request) =>
  new Response(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`, { status: 201 });

Deno.test("askAt() asks a server at a socket and one at a URL alike", async () => {
  const folder = await Deno.makeTempDir({ prefix: "unkey-socket-" });
  const path = `${folder}/a.sock`;
  const onListen = () => undefined;
  const servers = [
    Deno.serve({ path, onListen }, echo),
    Deno.serve({ hostname: "127.0.0.1", port: 0, onListen }, echo),
  ];
  try {
    const addr = servers[1]?.addr;
    assert.ok(addr !== undefined && "port" in addr);
    for (const base of [socketUrl(path), `http://127.0.0.1:${addr.port}`]) {
      const { date, ...answer } = await askAt(base, "/a/b", { method: "POST", body: "text" });
      assert.deepEqual(answer, { ok: true, status: 201, text: "POST /a/b text" });
      assert.ok(Date.parse(date ?? "") > 0);
    }
  } finally {
    for (const server of servers) await server.shutdown();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("askAt() rejects when nothing listens at the socket, and when its signal aborts", async () => {
  await assert.rejects(askAt("unix:///nonexistent/a.sock", "/", {}), TypeError);
  await assert.rejects(
    askAt("unix:///nonexistent/a.sock", "/", { signal: AbortSignal.abort(new Error("stop")) }),
    /stop/,
  );
});

Deno.test("socketOf() tells sockets from URLs", () => {
  assert.equal(socketOf("unix:///data/a.sock"), "/data/a.sock");
  for (const url of ["http://127.0.0.1:9070", "unix://relative.sock", ""]) {
    assert.equal(socketOf(url), undefined);
  }
});

/** The program sets it for itself before its first request. */
Deno.test("askAt() asks a socket also when NO_PROXY names this machine", async () => {
  const folder = await Deno.makeTempDir({ prefix: "unkey-socket-" });
  const server = Deno.serve({ path: `${folder}/a.sock`, onListen: () => undefined }, echo);
  try {
    const code = `import { askAt } from ${JSON.stringify(new URL("mod.ts", import.meta.url).href)};
      console.log((await askAt("unix://${folder}/a.sock", "/a", {})).text);`;
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-lock", code],
      env: { NO_PROXY: "localhost,127.0.0.1,::1", NO_COLOR: "1" },
    }).output();
    assert.match(new TextDecoder().decode(stdout), /^GET \/a/, new TextDecoder().decode(stderr));
  } finally {
    await server.shutdown();
    await Deno.remove(folder, { recursive: true });
  }
});
