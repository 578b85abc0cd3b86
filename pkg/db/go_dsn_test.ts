import assert from "node:assert/strict";
import { Secret } from "../config/mod.ts";
import { isFault } from "../fault/mod.ts";
import { databaseEndpoint, openDatabase } from "./mod.ts";
import { type MysqlAddress, parseDatabaseUrl } from "./url.ts";

/** Address to parts: user, password, host, port, socket, database, TLS. */
const FORMS: Readonly<Record<string, readonly [string, string, string, number, string, string, string]>> = {
  "unkey:password@tcp(mysql:3306)/unkey?parseTime=true": [
    "unkey",
    "password",
    "mysql",
    3306,
    "",
    "unkey",
    "off",
  ],
  "u:p@ss:w/rd@tcp(10.0.0.5)/unkey": ["u", "p@ss:w/rd", "10.0.0.5", 3306, "", "unkey", "off"],
  "u@tcp([::1]:3307)/a%2Fb?tls=true&charset=utf8mb4": ["u", "", "::1", 3307, "", "a/b", "verified"],
  "u:p@unix(/run/mysqld/mysqld.sock)/unkey": [
    "u",
    "p",
    "localhost",
    3306,
    "/run/mysqld/mysqld.sock",
    "unkey",
    "off",
  ],
  "u:p@tcp/unkey?tls=skip-verify": ["u", "p", "127.0.0.1", 3306, "", "unkey", "unverified"],
  "u:p@/unkey": ["u", "p", "127.0.0.1", 3306, "", "unkey", "off"],
  "mysql://u:p%40@[::1]/unkey?tls=true": ["u", "p@", "::1", 3306, "", "unkey", "verified"],
};

Deno.test("parseDatabaseUrl() reads addresses of Go's driver as that driver does", () => {
  for (const [text, [user, password, host, port, socketPath, database, tls]] of Object.entries(FORMS)) {
    const { password: secret, ...address } = mysqlAddress(text);
    assert.equal(secret.reveal(), password, text);
    const socket = socketPath === "" ? {} : { socketPath };
    assert.deepEqual(address, { kind: "mysql", host, port, ...socket, user, database, tls }, text);
  }
});

Deno.test("parseDatabaseUrl() refuses other forms with a text that does not quote them", async () => {
  const wrong = {
    "u:hunter2@udp(h:1)/db": /must look like/,
    "u:hunter2@tcp(h:1)": /must look like/,
    "u:hunter2@tcp(h:99999)/db": /must look like/,
    "u:hunter2@tcp(h:1)/": /must name host and database/,
    "u:hunter2@tcp(h:1)/db?readTimeout=hunter2": /unknown parameters \(readTimeout\).*are settings/,
    "u:hunter2@tcp(h:1)/db?tls=hunter2": /"tls".*must be true, false or skip-verify/,
    "mysql://u:hunter2@h/db?tls=yes": /"tls".*must be true, false or skip-verify/,
    "mysql://u:hunter2@h/db?parseTime=true": /unknown parameters/,
  };
  for (const [text, expected] of Object.entries(wrong)) {
    await assert.rejects(openDatabase(new Secret(text)), (error) => {
      assert.ok(isFault(error, "invalid_argument"), text);
      assert.match(error.publicMessage ?? "", expected);
      assert.doesNotMatch(`${error.message}${error.publicMessage}`, /hunter2/);
      return true;
    });
  }
});

Deno.test("databaseEndpoint() is where a database is reached over the network", () => {
  const of = (text: string) => databaseEndpoint(new Secret(text));
  assert.deepEqual(of("u:p@tcp(db.svc:3307)/unkey"), { host: "db.svc", port: 3307 });
  assert.deepEqual(of("mysql://u:p@[fd00::1]/unkey"), { host: "fd00::1", port: 3306 });
  assert.equal(of("u:p@unix(/run/m.sock)/unkey"), undefined);
  assert.equal(of("sqlite:///data/unkey.db"), undefined);
});

function mysqlAddress(text: string): MysqlAddress {
  const address = parseDatabaseUrl(new Secret(text));
  assert.equal(address.kind, "mysql");
  return address;
}
