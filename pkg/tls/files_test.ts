import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { systemClock } from "../clock/mod.ts";
import { isFault } from "../fault/mod.ts";
import { createLogger, silentLogger } from "../logger/mod.ts";
import { addCertificate, makeCertificate } from "../testkit/certificate.ts";
import { eventually } from "../testkit/eventually.ts";
import { openClientTls, openServerTls, readAuthorities, type TlsServerConfig } from "./mod.ts";
import { FollowedFiles } from "./followed.ts";

const DAY_MS = 86_400_000;

Deno.test("files that cannot be used are refused at the start, with what to do", async (t) => {
  const folder = await Deno.makeTempDir();
  const { certificate, privateKey, authority } = await makeCertificate(folder, ["DNS:localhost"]);
  const other = await addCertificate(folder, ["DNS:other"], "other-");
  const large = `${folder}/large`;
  await writeFile(large, new Uint8Array(1024 * 1024 + 1));
  const broken = `${folder}/broken`;
  await writeFile(broken, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  const now = systemClock().now();
  const cases: readonly (readonly [name: string, files: TlsServerConfig, nowMs: number, text: RegExp])[] = [
    [
      "another key",
      { tlsCertFile: certificate, tlsKeyFile: other.privateKey },
      now,
      /^The key ".*other-key\.pem" of --tls-key-file \(UNKEY_TLS_KEY_FILE\) is not that of the certificate ".*cert\.pem"\. Give the key/,
    ],
    [
      "an expired certificate",
      { tlsCertFile: certificate, tlsKeyFile: privateKey },
      now + 3_651 * DAY_MS,
      /^The certificate ".*cert\.pem" of --tls-cert-file \(UNKEY_TLS_CERT_FILE\) expired at \d{4}-.*Z\. Renew it/,
    ],
    [
      "a certificate of tomorrow",
      { tlsCertFile: certificate, tlsKeyFile: privateKey },
      now - DAY_MS,
      /is valid from \d{4}-.*Z on\. Wait, or correct the clock/,
    ],
    [
      "no file",
      { tlsCertFile: `${folder}/none`, tlsKeyFile: privateKey },
      now,
      /cannot be read: .*Give the path/,
    ],
    ["a large file", { tlsCertFile: large, tlsKeyFile: privateKey }, now, /is larger than 1 MiB\. Give/],
    [
      "a key as certificate",
      { tlsCertFile: privateKey, tlsKeyFile: privateKey },
      now,
      /no certificate in PEM\. Look/,
    ],
    ["a broken certificate", { tlsCertFile: broken, tlsKeyFile: privateKey }, now, /cannot be read\. Give/],
    [
      "a certificate as key",
      { tlsCertFile: certificate, tlsKeyFile: certificate },
      now,
      /no private key that can be/,
    ],
    [
      "an authority that is none",
      { tlsCertFile: certificate, tlsKeyFile: privateKey, tlsClientCaFile: privateKey },
      now,
      /of --tls-client-ca-file \(UNKEY_TLS_CLIENT_CA_FILE\) has no certificate/,
    ],
  ];
  for (const [name, files, nowMs, text] of cases) {
    await t.step(name, async () => {
      const clock = { ...systemClock(), now: () => nowMs };
      await assert.rejects(openServerTls(files, { clock, log: silentLogger() }), (error) => {
        assert.ok(isFault(error, "failed_precondition"));
        assert.match(error.publicMessage ?? "", text);
        return true;
      });
    });
  }
  await t.step("the same of a client", async () => {
    const clock = systemClock();
    const files = { clientCertFile: certificate, clientKeyFile: other.privateKey };
    await assert.rejects(
      openClientTls(files, { clock, log: silentLogger() }),
      /--client-key-file.*is not that/,
    );
    const none = { path: privateKey, setting: "--ca-file" };
    await assert.rejects(readAuthorities(none), /--ca-file has no certificate/);
    assert.match(await readAuthorities({ ...none, path: authority }), /BEGIN CERTIFICATE/);
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("changed files that cannot be used leave the former value, with one warning", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/file`;
  await writeFile(path, "one");
  const lines: string[] = [];
  const log = createLogger({ service: "test", level: "info", write: (line) => lines.push(line) });
  let looks = 0;
  const clock = {
    ...systemClock(),
    sleep: (_ms: number, signal?: AbortSignal) => {
      looks++;
      return systemClock().sleep(5, signal);
    },
  };
  const make = ([text = ""]: readonly string[]): string => {
    if (text === "bad") throw new Error("it is bad");
    return text.toUpperCase();
  };
  const files = await FollowedFiles.open({ files: [{ path, setting: "--file" }], make }, { clock, log });
  const [stop, values] = [new AbortController(), [files.value]];
  const following = files.follow((value) => values.push(value), stop.signal);
  await writeFile(path, "bad");
  await eventually("the warning", () => lines.length > 0);
  const seen = looks;
  await eventually("more looks", () => looks > seen + 3);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", /"level":"warn".*the former ones stay.*it is bad/);
  assert.equal(files.value, "ONE");
  await writeFile(path, "two");
  await eventually("the next value", () => values.length === 2);
  assert.deepEqual(values, ["ONE", "TWO"]);
  stop.abort();
  await following;
  await Deno.remove(folder, { recursive: true });
});
