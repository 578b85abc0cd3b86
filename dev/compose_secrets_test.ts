/** `dev/compose-secrets`, which makes what no installation may share with another one. */
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { requestIdentity } from "../pkg/restate_server/mod.ts";

const SCRIPT = new URL("compose-secrets", import.meta.url).pathname;
const KEYS = 8;

interface Folder {
  readonly path: string;
  readonly run: () => Promise<{ readonly code: number; readonly stderr: string }>;
  readonly read: (name: string) => Promise<string>;
}

/** A copy of the script beside nothing, with a socket of its own in place of Docker's. */
async function inFolder(test: (folder: Folder) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempDir({ prefix: "unkey-secrets-" });
  const socket = `${path}/docker.sock`;
  const server = createServer().listen(socket);
  try {
    await Deno.copyFile(SCRIPT, `${path}/compose-secrets`);
    await test({
      path,
      run: async () => {
        const command = new Deno.Command("sh", {
          args: [`${path}/compose-secrets`],
          env: { UNKEY_DOCKER_SOCKET: socket },
          stdin: "null",
        });
        const { code, stderr } = await command.output();
        return { code, stderr: new TextDecoder().decode(stderr) };
      },
      read: (name) => Deno.readTextFile(`${path}/${name}`),
    });
  } finally {
    server.close();
    await Deno.remove(path, { recursive: true });
  }
}

async function modeOf(path: string): Promise<number> {
  return ((await Deno.stat(path)).mode ?? 0) & 0o777;
}

Deno.test("compose-secrets makes secrets that only their folder keeps, and writes none to .env", () =>
  inFolder(async ({ path, run, read }) => {
    const { code, stderr } = await run();
    assert.equal(code, 0, stderr);
    assert.equal(await modeOf(`${path}/secrets`), 0o700);
    const env = await read(".env");
    for await (const { name } of Deno.readDir(`${path}/secrets`)) {
      assert.equal(await modeOf(`${path}/secrets/${name}`), 0o444, name);
      assert.ok(!env.includes((await read(`secrets/${name}`)).trim()), name);
    }
    const password = (await read("secrets/database_password")).trim();
    assert.match(password, /^[\w-]{32}$/);
    assert.equal(await read("secrets/database_url"), `mysql://unkey:${password}@mysql:3306/unkey\n`);
    assert.equal(Uint8Array.fromBase64((await read("secrets/master_keys")).trim()).length, 32);
    assert.match(await read("secrets/auth_token"), /^[\w-]{43}\n$/);
    const { gid } = await Deno.stat(`${path}/docker.sock`);
    assert.match(env, new RegExp(`^UNKEY_DOCKER_GID=${gid}$`, "m"));
  }));

Deno.test("compose-secrets leaves secrets and settings that are there, and makes those that are missing", () =>
  inFolder(async ({ path, run, read }) => {
    await run();
    await Deno.writeTextFile(`${path}/.env`, "UNKEY_EDGE_PORT=80\nUNKEY_DOCKER_GID=1\n");
    const names = ["auth_token", "database_url", "master_keys", "request_identity.pem"];
    const before = await Promise.all(names.map((name) => read(`secrets/${name}`)));
    await Deno.remove(`${path}/secrets/s3.env`);
    assert.equal((await run()).code, 0);
    assert.deepEqual(await Promise.all(names.map((name) => read(`secrets/${name}`))), before);
    assert.match(await read("secrets/s3.env"), /^ROOT_ACCESS_KEY=[\w-]{16}\nROOT_SECRET_KEY=[\w-]{40}\n$/);
    const { gid } = await Deno.stat(`${path}/docker.sock`);
    const lines = (await read(".env")).trim().split("\n");
    assert.deepEqual(lines.slice(0, 2), ["UNKEY_EDGE_PORT=80", `UNKEY_DOCKER_GID=${gid}`]);
  }));

Deno.test("compose-secrets takes folder and socket from .env, where Compose has them from", () =>
  inFolder(async ({ path, read }) => {
    const settings = `UNKEY_SECRETS=./elsewhere\nUNKEY_DOCKER_SOCKET=${path}/docker.sock\n`;
    await Deno.writeTextFile(`${path}/.env`, settings);
    const command = new Deno.Command("sh", { args: [`${path}/compose-secrets`], stderr: "null" });
    assert.equal((await command.output()).code, 0);
    assert.match(await read("elsewhere/auth_token"), /^[\w-]{43}\n$/);
    assert.ok((await read(".env")).startsWith(settings));
  }));

Deno.test("compose-secrets writes the public half of Restate's key as workers take it", () =>
  inFolder(async ({ path, run, read }) => {
    for (let key = 0; key < KEYS; key++) {
      await Deno.remove(`${path}/secrets`, { recursive: true }).catch(() => undefined);
      await run();
      const named = await requestIdentity(`${path}/secrets/request_identity.pem`);
      assert.ok((await read(".env")).includes(`UNKEY_RESTATE_IDENTITY_KEYS=${named}\n`));
    }
  }));

Deno.test("compose-secrets ends with a reason where there is no socket", () =>
  inFolder(async ({ path, run }) => {
    await Deno.remove(`${path}/docker.sock`);
    const { code, stderr } = await run();
    assert.equal(code, 1);
    assert.match(stderr, /docker\.sock is no socket: start Docker, or set UNKEY_DOCKER_SOCKET/);
    await assert.rejects(Deno.stat(`${path}/secrets`), Deno.errors.NotFound);
  }));
