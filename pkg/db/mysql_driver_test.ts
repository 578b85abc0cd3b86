/** TLS to the server, and the bounds of the pool. */
import assert from "node:assert/strict";
import { sql } from "kysely";
import { systemClock } from "../clock/mod.ts";
import { Secret } from "../config/mod.ts";
import { describeError, isFault } from "../fault/mod.ts";
import { type CertificateFiles, makeCertificate } from "../testkit/certificate.ts";
import { hasMysqlServer } from "../testkit/mariadb.ts";
import { PrivateMariadb } from "../testkit/private_mariadb.ts";
import { type Database, type DatabaseOptions, openDatabase, ping } from "./mod.ts";

type Tables = Record<never, never>;

async function use<T>(
  url: Secret,
  options: DatabaseOptions,
  fn: (db: Database<Tables>) => Promise<T>,
): Promise<T> {
  const db = await openDatabase<Tables>(url, options);
  try {
    return await fn(db);
  } finally {
    await db.close();
  }
}

async function cipherOf(db: Database<Tables>): Promise<string> {
  const { rows } = await sql<{ Value: string }>`show session status like 'Ssl_cipher'`.execute(db.kysely);
  return rows[0]?.Value ?? "";
}

Deno.test({
  name: "a connection over TLS is encrypted, and the server has to prove its name",
  ignore: !hasMysqlServer(),
  fn: async (t) => {
    const folder = await Deno.makeTempDir({ prefix: "unkey-test-tls-" });
    await using stack = new AsyncDisposableStack();
    stack.defer(() => Deno.remove(folder, { recursive: true }));
    const files = await makeCertificate(folder, ["DNS:localhost", "IP:127.0.0.1"]);
    const server = stack.use(await PrivateMariadb.start(tlsFlags(files)));
    const authorities = await Deno.readTextFile(files.authority);
    const url = (parameters: string, host = "127.0.0.1") =>
      new Secret(`mysql://root@${host}:${server.port}/mysql${parameters}`);

    await t.step("the server is reached by name and by address, in both forms of URLs", async () => {
      const dsn = new Secret(`root@tcp(localhost:${server.port})/mysql?tls=true`);
      for (const each of [url("?tls=true"), url("?tls=true", "localhost"), dsn]) {
        assert.match(await use(each, { authorities }, cipherOf), /^(TLS_|ECDHE)/);
      }
      assert.equal(await use(url(""), {}, cipherOf), "");
    });

    await t.step("an authority that is not known is refused, but for skip-verify", async () => {
      await assert.rejects(use(url("?tls=true"), {}, ping), (error) => {
        assert.ok(isFault(error, "unavailable"));
        assert.match(describeError(error), /certificate|UnknownIssuer|issuer/i);
        return true;
      });
      assert.notEqual(await use(url("?tls=skip-verify"), {}, cipherOf), "");
    });

    await t.step("a certificate of another name is refused", async () => {
      const other = await makeCertificate(`${folder}/other`, ["DNS:db.example.com"]);
      const wrong = stack.use(await PrivateMariadb.start(tlsFlags(other)));
      for (const host of ["localhost", "127.0.0.1"]) {
        const target = new Secret(`mysql://root@${host}:${wrong.port}/mysql?tls=true`);
        const known = { authorities: await Deno.readTextFile(other.authority) };
        await assert.rejects(use(target, known, ping), (error) => isFault(error, "unavailable"), host);
      }
    });

    await t.step(
      "connections without use are closed",
      () =>
        use(url(""), { connectionsMax: 4, idleMsMax: 100 }, async (db) => {
          await Promise.all(Array.from({ length: 4 }, () => sql`select sleep(0.05)`.execute(db.kysely)));
          await until(async () => await connections(server) === 0);
        }),
    );

    await t.step(
      "statements beyond the queue are refused at once",
      () =>
        use(url(""), { connectionsMax: 1, waitingMax: 1, waitMsMax: 60_000 }, async (db) => {
          await ping(db);
          const [running, waiting, refused] = Array.from(
            { length: 3 },
            () => sql`select sleep(0.3)`.execute(db.kysely),
          );
          await assert.rejects(Promise.resolve(refused), (error) => isFault(error, "unavailable"));
          await Promise.all([running, waiting]);
        }),
    );

    await t.step("a socket of the machine is used when the URL names it", async () => {
      const socket = new Secret(`root@unix(${server.socketPath})/mysql`);
      assert.equal(await use(socket, {}, (db) => ping(db).then(() => "answered")), "answered");
    });
  },
});

function tlsFlags({ certificate, privateKey }: CertificateFiles): readonly string[] {
  return [`--ssl-cert=${certificate}`, `--ssl-key=${privateKey}`];
}

/** Connections beside the one that asks. */
async function connections(server: PrivateMariadb): Promise<number> {
  const rows = await server.administrate(
    "select id from information_schema.processlist where user = 'root' and id != connection_id()",
  );
  assert.ok(Array.isArray(rows));
  return rows.length;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !await condition(); tries++) {
    assert.ok(tries < 600, "the condition never came");
    await systemClock().sleep(50);
  }
}
