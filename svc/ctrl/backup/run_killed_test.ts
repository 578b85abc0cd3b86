import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { runRestore } from "./run.ts";
import { backup, Bed, fill, picture, process } from "./testing.ts";
import { MAIN } from "../../../pkg/testkit/program.ts";

/** The backup's file is a pipe, so that the test knows how far the restore is. */
class Pipe {
  readonly #path: string;
  readonly #bytes: Uint8Array<ArrayBuffer>;

  private constructor(path: string, bytes: Uint8Array<ArrayBuffer>) {
    this.#path = path;
    this.#bytes = bytes;
  }

  static async replace(path: string): Promise<Pipe> {
    const bytes = await Deno.readFile(path);
    await Deno.remove(path);
    assert.ok((await new Deno.Command("mkfifo", { args: [path] }).output()).success);
    return new Pipe(path, bytes);
  }

  /** Resolves when the restore has begun to read. */
  async open(): Promise<Deno.FsFile> {
    return await Deno.open(this.#path, { write: true });
  }

  async give(): Promise<void> {
    using file = await this.open();
    assert.equal(await file.write(this.#bytes), this.#bytes.length, "the pipe takes it at once");
  }
}

Deno.test("after a restore that was killed between two tables, api and worker refuse to start", async () => {
  await using bed = new Bed();
  const source = await bed.url("sqlite");
  const db = await bed.open(source);
  await fill(db);
  const [whole, folder, target] = [
    await backup(bed, source),
    await backup(bed, source),
    await bed.url("sqlite"),
  ];
  const files = await bed.folder();
  const unkey = (args: readonly string[]) =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", MAIN, "ctrl", ...args],
      env: {
        UNKEY_DATABASE_PRIMARY: target.reveal(),
        UNKEY_AUTH_TOKEN: "service-token-of-a-test-with-many-letters",
        UNKEY_VAULT_MASTER_KEYS: Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64"),
        UNKEY_BUILD_NETWORK: "trusted",
        UNKEY_BUILD_FILES_DIR: files,
        UNKEY_BUILD_FILES_URL: "http://127.0.0.1:1",
        UNKEY_RESTATE_ADMIN_URL: "http://127.0.0.1:1",
        UNKEY_RESTATE_INGRESS_URL: "http://127.0.0.1:1",
        UNKEY_HTTP_PORT: "0",
      },
      stdout: "piped",
      stderr: "piped",
      // A service that does not refuse would run on.
      signal: AbortSignal.timeout(60_000),
    }).spawn();
  const one = await Pipe.replace(join(folder, "deployments.ndjson.gz"));
  const other = await Pipe.replace(join(folder, "projects.ndjson.gz"));
  const restore = unkey(["restore", folder]);
  const output = restore.output();
  const killed = (async () => {
    for (const pipe of [one, other, one]) await pipe.give();
    using _held = await other.open();
    restore.kill("SIGKILL");
    await output;
  })();
  await Promise.race([
    killed,
    output.then(({ signal, stderr }) => assert.equal(signal, "SIGKILL", new TextDecoder().decode(stderr))),
  ]);
  for (const service of ["api", "worker"]) {
    const { code, stderr } = await unkey([service]).output();
    assert.equal(code, 1);
    assert.match(new TextDecoder().decode(stderr), /Run \\?"unkey ctrl restore\\?" again/);
  }
  await runRestore({ databasePrimary: target }, whole, process);
  assert.deepEqual(await picture(await bed.open(target)), await picture(db));
});
