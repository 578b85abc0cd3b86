import assert from "node:assert/strict";
import { App, startProxy, type TestProxy, Wire } from "./testing_wire.ts";

interface Odd {
  readonly name: string;
  /** The app's bytes; then it ends the connection. */
  readonly sent: string;
  /** The whole answer without `X-Request-Id`; or the status of a refusal, and what its text says. */
  readonly want: string | { readonly status: number; readonly text: RegExp };
  /** True if the client notices that the answer is not whole. */
  readonly broken?: true;
}

const OK = "HTTP/1.1 200 OK\r\n";
const INVALID = (text: RegExp) => ({ status: 502, text });

/** Responses as apps have been seen to send them. */
const ODD: readonly Odd[] = [
  {
    name: "a body that the end of the connection ends",
    sent: "HTTP/1.0 200 OK\r\nX: y\r\n\r\npartial body",
    want: `${OK}X: y\r\nTransfer-Encoding: chunked\r\n\r\nc\r\npartial body\r\n0\r\n\r\n`,
  },
  {
    name: "less than its length",
    sent: `${OK}Content-Length: 100\r\n\r\npartial body`,
    want: `${OK}Content-Length: 100\r\n\r\npartial body`,
    broken: true,
  },
  {
    name: "chunks without the last one",
    sent: `${OK}Transfer-Encoding: chunked\r\n\r\nc\r\npartial body\r\n`,
    want: `${OK}Transfer-Encoding: chunked\r\n\r\nc\r\npartial body\r\n`,
    broken: true,
  },
  {
    name: "lines that end in LF",
    sent: "HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    want: `${OK}Content-Length: 2\r\n\r\nok`,
  },
  {
    name: "a blank before a colon, which a proxy takes away",
    sent: `${OK}X-Odd : v\r\nContent-Length \t: 2\r\n\r\nok`,
    want: `${OK}X-Odd: v\r\nContent-Length: 2\r\n\r\nok`,
  },
  {
    name: "no name",
    sent: `${OK}: v\r\nContent-Length: 2\r\n\r\nok`,
    want: INVALID(/headers are malformed/),
  },
  {
    name: "a name that is none",
    sent: `${OK}X Bad(name): v\r\nContent-Length: 2\r\n\r\nok`,
    want: INVALID(/malformed: A header line is malformed: "X Bad\(name\)"/),
  },
  {
    name: "bytes above 127 in a value",
    sent: `${OK}Content-Disposition: attachment; filename="b\xc3\xbccher.txt"\r\nContent-Length: 2\r\n\r\nok`,
    want: `${OK}Content-Disposition: attachment; filename="b\xc3\xbccher.txt"\r\nContent-Length: 2\r\n\r\nok`,
  },
  {
    name: "a control character",
    sent: `${OK}X-Ctl: a\x01b\r\nContent-Length: 2\r\n\r\nok`,
    want: INVALID(/The header "X-Ctl" holds a control character/),
  },
  {
    name: "no reason",
    sent: "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",
    want: "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok",
  },
  {
    name: "status 0",
    sent: "HTTP/1.1 0 OK\r\nContent-Length: 2\r\n\r\nok",
    want: INVALID(/status line is malformed: "HTTP\/1\.1 0 OK"/),
  },
  {
    name: "status 999",
    sent: "HTTP/1.1 999 Custom\r\nContent-Length: 2\r\n\r\nok",
    want: "HTTP/1.1 999 Custom\r\nContent-Length: 2\r\n\r\nok",
  },
  {
    name: "204 with a body",
    sent: "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
    want: "HTTP/1.1 204 No Content\r\n\r\n",
  },
  {
    name: "204 in chunks",
    sent: "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    want: "HTTP/1.1 204 No Content\r\n\r\n",
  },
  {
    name: "304 with the length of what is not sent",
    sent: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: "a"\r\n\r\n',
    want: 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 5\r\n\r\n',
  },
  {
    name: "chunks and a length, of which the chunks count",
    sent: `${OK}Transfer-Encoding: chunked\r\nContent-Length: 99\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    want: `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  },
  {
    name: "the coding identity, which RFC 9112 does not have",
    sent: `${OK}Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nok`,
    want: INVALID(/Transfer-Encoding "identity" is not understood: it may be chunked or absent/),
  },
  {
    name: "a coding behind chunked",
    sent: `${OK}Transfer-Encoding: chunked, gzip\r\n\r\n`,
    want: INVALID(/"chunked, gzip"/),
  },
  {
    name: "the same length twice",
    sent: `${OK}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok`,
    want: `${OK}Content-Length: 2\r\n\r\nok`,
  },
  {
    name: "two lengths",
    sent: `${OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\nok`,
    want: INVALID(/not one number/),
  },
  {
    name: "an interim response first",
    sent: `HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`,
    want: `HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`,
  },
  {
    name: "more than its length",
    sent: `${OK}Content-Length: 2\r\n\r\nokEXTRA`,
    want: `${OK}Content-Length: 2\r\n\r\nok`,
  },
  {
    name: "a folded line",
    sent: `${OK}X: a\r\n  b\r\nContent-Length: 2\r\n\r\nok`,
    want: `${OK}X: a b\r\nContent-Length: 2\r\n\r\nok`,
  },
  {
    name: "nothing at all",
    sent: "",
    want: { status: 502, text: /closed the connection without a response/ },
  },
  { name: "TLS", sent: "\x15\x03\x01\0\x02\x02\x16", want: INVALID(/speaks TLS/) },
  { name: "another protocol", sent: "+OK ready\r\n", want: INVALID(/does not speak HTTP/) },
  {
    name: "a head that never ends",
    sent: `${OK}X: ${"y".repeat(70_000)}`,
    want: INVALID(/longer than 65536 bytes/),
  },
  {
    name: "too many headers",
    sent: `${OK}${"Set-Cookie: a=b\r\n".repeat(513)}Content-Length: 2\r\n\r\nok`,
    want: INVALID(/more than 512 headers/),
  },
];

async function answerTo(app: App, proxy: TestProxy, sent: string): Promise<{ text: string; reset: boolean }> {
  using client = await Wire.connect(proxy.port);
  await client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const { wire } = await app.request();
  // The proxy may have seen enough, and hung up.
  await wire.send(sent).catch(() => undefined);
  wire.close();
  return await client.toEnd();
}

Deno.test("odd responses of an app are passed on as they are meant, or refused with what is wrong", async (t) => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream, limits: { lingerMsMax: 100 } });
  for (const { name, sent, want, broken = false } of ODD) {
    await t.step(name, async () => {
      const { text, reset } = await answerTo(app, proxy, sent);
      assert.equal(reset, broken, "whether the client notices a broken response");
      if (typeof want === "string") {
        const shown = text.replace(/X-Request-Id: .*\r\n/, "").replace("Connection: close\r\n", "");
        // A reset may overtake bytes of the body.
        assert.equal(shown, broken ? want.slice(0, shown.length) : want);
        return;
      }
      assert.match(text, new RegExp(`^HTTP/1\\.1 ${want.status} `));
      assert.match(text, want.text);
    });
  }
});
