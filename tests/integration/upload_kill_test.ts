/** The program is killed in the middle of an upload, and started again. By hand with more: `UNKEY_UPLOAD_MB=1000`. */
import assert from "node:assert/strict";
import { access, temporaryFolder } from "../../cmd/shared/testing.ts";
import { startApi, type Tenant, type TestApi } from "../../svc/ctrl/services/testing.ts";
import { MAIN } from "../../pkg/testkit/program.ts";

const MEGABYTES = Number(Deno.env.get("UNKEY_UPLOAD_MB") ?? 200);
const FILES = 4;
const WORKERS = 4;
/** A pack is closed when it holds 4 MiB, and the chunk that closes it has at most as much. */
const PACK_BYTES_MAX = 8 << 20;

/** Passes uploads on to the api's object store, and counts their bytes. */
class Relay implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  target = "";
  bytes = 0;
  /** Called whenever bytes have arrived. */
  onBytes: () => void = () => undefined;

  constructor() {
    const listen = { hostname: "127.0.0.1", port: 0, onListen: () => undefined };
    this.#server = Deno.serve(listen, (request) => this.#pass(request));
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async #pass(request: Request): Promise<Response> {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    try {
      for await (const part of request.body ?? []) {
        this.bytes += part.length;
        parts.push(part);
        this.onBytes();
      }
    } catch {
      return new Response(null, { status: 400 }); // the program was killed
    }
    const { pathname, search } = new URL(request.url);
    const headers = new Headers(request.headers);
    headers.delete("host");
    const body = await new Blob(parts).arrayBuffer();
    const response = await fetch(`${this.target}${pathname}${search}`, { method: "PUT", headers, body });
    await response.body?.cancel();
    return new Response(null, { status: response.status });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** A folder with random files, which cannot be deflated. */
async function writeFolder(root: string): Promise<number> {
  await Deno.mkdir(root);
  await Deno.writeTextFile(`${root}/Dockerfile`, "FROM scratch\nCOPY . /\n");
  for (let file = 0; file < FILES; file++) {
    await using written = await Deno.open(`${root}/${file}.bin`, { write: true, createNew: true });
    for (let piece = 0; piece < MEGABYTES * 1e6 / FILES; piece += 50_000) {
      await written.write(crypto.getRandomValues(new Uint8Array(50_000)));
    }
  }
  return MEGABYTES * 1e6;
}

function start(api: TestApi, { rootKey }: Tenant, folder: string): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--quiet",
      "--no-check",
      "--cached-only",
      MAIN,
      "deploy",
      `${folder}/app`,
      "--detach",
    ],
    env: {
      ...access(api.url),
      UNKEY_ROOT_KEY: rootKey,
      UNKEY_PROJECT: "shop",
      XDG_CONFIG_HOME: folder,
      XDG_CACHE_HOME: `${folder}/cache`,
      NO_COLOR: "1",
    },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
}

Deno.test("deploy that is killed in the middle of an upload sends at most a pack of each worker again", async (t) => {
  await using relay = new Relay();
  await using api = await startApi({
    buildFilesExternalUrl: relay.url,
    uploadContentMax: 2 * MEGABYTES,
    uploadsSizeMax: 10 * MEGABYTES,
  });
  relay.target = api.url;
  await using folder = await temporaryFolder();
  const contentBytes = await writeFolder(`${folder.path}/app`);
  for (const percent of [10, 50, 90]) {
    await t.step(`at ${percent} %`, async () => {
      const tenant = await api.tenant(`acme-${percent}`);
      relay.bytes = 0;
      const killed = start(api, tenant, folder.path);
      relay.onBytes = () => {
        if (relay.bytes < contentBytes * percent / 100) return;
        relay.onBytes = () => undefined;
        killed.kill("SIGKILL");
      };
      const { signal, stderr: first } = await killed.output();
      assert.equal(signal, "SIGKILL", new TextDecoder().decode(first));
      const { code, stderr } = await start(api, tenant, folder.path).output();
      const printed = new TextDecoder().decode(stderr);
      assert.equal(code, 0, printed);
      assert.match(printed, /\nok uploaded .*\nok created /);
      const twice = relay.bytes - contentBytes;
      assert.ok(twice < WORKERS * PACK_BYTES_MAX, `${twice} of ${contentBytes} bytes were sent twice`);
      assert.match(
        new TextDecoder().decode((await start(api, tenant, folder.path).output()).stderr),
        /unchanged, nothing to upload/,
      );
    });
  }
});
