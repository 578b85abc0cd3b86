import assert from "node:assert/strict";
import { createLogger } from "../logger/mod.ts";
import { explainTls, isPlainToOthers, tlsClientProblems, tlsServerProblems, warnOfPlain } from "./mod.ts";

Deno.test("http:// to another machine is plain, and nothing else is", () => {
  for (
    const url of [
      "http://api.example.com",
      "http://10.0.0.1:7091",
      "http://[fd00::1]/",
      "http://localhost.example",
    ]
  ) {
    assert.ok(isPlainToOthers(url), url);
  }
  for (
    const url of [
      "https://api.example.com",
      "http://localhost:7091",
      "http://api.localhost",
      "http://127.0.0.1:7091",
      "http://127.8.8.8",
      "http://[::1]:7091",
      "unix:///run/restate.sock",
      "no url",
    ]
  ) assert.ok(!isPlainToOthers(url), url);
});

Deno.test("plain URLs are warned about in one line that names their settings", () => {
  const lines: string[] = [];
  const log = createLogger({ service: "test", level: "info", write: (line) => lines.push(line) });
  warnOfPlain(log, { "--a": "http://127.0.0.1", "--b": undefined, "--c": "https://c.example" });
  assert.deepEqual(lines, []);
  warnOfPlain(log, { "--a": "http://a.example", "--b": "http://127.0.0.1", "--c": "http://c.example" });
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", /"settings":\["--a http:\/\/a\.example","--c http:\/\/c\.example"\]/);
});

Deno.test("settings of TLS that need each other are named", () => {
  const none = { tlsCertFile: undefined, tlsKeyFile: undefined };
  assert.deepEqual(tlsServerProblems(none), []);
  assert.deepEqual(tlsServerProblems({ tlsCertFile: "c", tlsKeyFile: "k", tlsClientCaFile: "a" }), []);
  assert.deepEqual(tlsServerProblems({ ...none, tlsCertFile: "c" }), [
    "--tls-key-file (UNKEY_TLS_KEY_FILE) is required with --tls-cert-file (UNKEY_TLS_CERT_FILE)",
  ]);
  assert.deepEqual(tlsServerProblems({ ...none, tlsClientCaFile: "a" }), [
    "--tls-cert-file (UNKEY_TLS_CERT_FILE) is required with --tls-client-ca-file (UNKEY_TLS_CLIENT_CA_FILE)",
  ]);
  assert.deepEqual(tlsClientProblems({ caFile: "a" }), []);
  assert.deepEqual(tlsClientProblems({ clientKeyFile: "k" }), [
    "--client-cert-file (UNKEY_CLIENT_CERT_FILE) is required with --client-key-file (UNKEY_CLIENT_KEY_FILE)",
  ]);
});

Deno.test("failures of a handshake are reported with what to do, and others are left as they are", () => {
  for (
    const [words, text] of [
      ["invalid peer certificate: UnknownIssuer", /--ca-file/],
      ["invalid peer certificate: certificate expired: verification time 1", /renewed there/],
      ['invalid peer certificate: certificate not valid for name "a"', /Use a URL with a name/],
      ["received corrupt message of type InvalidContentType", /does not speak TLS/],
    ] as const
  ) assert.match(explainTls(`client error (Connect): ${words}`) ?? "", text);
  assert.equal(explainTls("connection refused"), undefined);
});
