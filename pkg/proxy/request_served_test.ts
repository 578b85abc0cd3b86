import assert from "node:assert/strict";
import { App, startProxy, Wire } from "./testing_wire.ts";

interface Served {
  readonly name: string;
  readonly sent: string;
  /** The heads and bodies that the app gets, without what the proxy adds. */
  readonly got: readonly string[];
}

const HOST = "Host: a\r\n";
const CHUNKED = `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`;

/** Requests that look odd, and that the standards allow. */
const SERVED: readonly Served[] = [
  {
    name: "empty lines in front",
    sent: `\r\n\r\nGET / HTTP/1.1\r\n${HOST}\r\n`,
    got: [`GET / HTTP/1.1\r\n${HOST}\r\n`],
  },
  {
    name: "HTTP/1.0 with a host",
    sent: `GET / HTTP/1.0\r\n${HOST}\r\n`,
    got: [`GET / HTTP/1.1\r\n${HOST}\r\n`],
  },
  {
    name: "an absolute target",
    sent: `GET http://a/x?y HTTP/1.1\r\n${HOST}\r\n`,
    got: [`GET /x?y HTTP/1.1\r\n${HOST}\r\n`],
  },
  {
    name: "an absolute target without a path",
    sent: `GET HTTP://A HTTP/1.1\r\n${HOST}\r\n`,
    got: ["GET / HTTP/1.1\r\nHost: A\r\n\r\n"],
  },
  {
    name: "a host in capitals, with a dot and a port",
    sent: "GET / HTTP/1.1\r\nHost: A.Example.:8080\r\n\r\n",
    got: ["GET / HTTP/1.1\r\nHost: A.Example.:8080\r\n\r\n"],
  },
  {
    name: "OPTIONS *",
    sent: `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`,
    got: [`OPTIONS * HTTP/1.1\r\n${HOST}\r\n`],
  },
  {
    name: "an unknown method",
    sent: `BREW /pot HTTP/1.1\r\n${HOST}\r\n`,
    got: [`BREW /pot HTTP/1.1\r\n${HOST}\r\n`],
  },
  {
    name: "bytes that are no URL characters",
    sent: `GET /%2e%2e//a|b?{}"\xc3\xbc HTTP/1.1\r\n${HOST}\r\n`,
    got: [`GET /%2e%2e//a|b?{}"\xc3\xbc HTTP/1.1\r\n${HOST}\r\n`],
  },
  {
    name: "blanks around values",
    sent: "GET / HTTP/1.1\r\nHost:\t a \t\r\nX:\t\t\r\n\r\n",
    got: [`GET / HTTP/1.1\r\n${HOST}X: \r\n\r\n`],
  },
  {
    name: "no body with length 0",
    sent: `POST / HTTP/1.1\r\n${HOST}Content-Length: 00\r\n\r\n`,
    got: [`POST / HTTP/1.1\r\n${HOST}Content-Length: 0\r\n\r\n`],
  },
  {
    name: "a length with zeros in front",
    sent: `POST / HTTP/1.1\r\n${HOST}Content-Length: 0002\r\n\r\nhi`,
    got: [`POST / HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\nhi`],
  },
  {
    name: "a body of GET",
    sent: `GET / HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\nhi`,
    got: [`GET / HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\nhi`],
  },
  {
    name: "chunked in capitals, extensions, zeros, and trailers",
    sent: CHUNKED.replace("chunked", "Chunked") +
      '002;name=value;q="a;b"\r\nhi\r\n0;last\r\nX-Sum: 1\r\nContent-Length: 5\r\n\r\n',
    got: [`${CHUNKED}2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n`],
  },
  {
    name: "a body before HTTP/1.0's end",
    sent: `POST / HTTP/1.0\r\n${HOST}Content-Length: 2\r\n\r\nhi`,
    got: [`POST / HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\nhi`],
  },
  {
    name: "fields that Connection names",
    sent: `GET / HTTP/1.1\r\n${HOST}Connection: X-Hop, Host, Content-Length\r\nX-Hop: 1\r\nX-End: 2\r\n\r\n`,
    got: [`GET / HTTP/1.1\r\n${HOST}X-End: 2\r\n\r\n`],
  },
  {
    name: "an expectation of HTTP/1.1",
    sent: `POST / HTTP/1.1\r\n${HOST}Expect: 100-Continue\r\nContent-Length: 2\r\n\r\nhi`,
    got: [`POST / HTTP/1.1\r\n${HOST}Expect: 100-Continue\r\nContent-Length: 2\r\n\r\nhi`],
  },
  {
    name: "an upgrade to HTTP/2, which is not passed on",
    sent:
      `GET / HTTP/1.1\r\n${HOST}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n`,
    got: [`GET / HTTP/1.1\r\n${HOST}\r\n`],
  },
  {
    name: "names that an app may take for others",
    sent:
      `GET / HTTP/1.1\r\n${HOST}Transfer_Encoding: chunked\r\nContent_Length: 5\r\nX_Forwarded_For: 1\r\n\r\n`,
    got: [`GET / HTTP/1.1\r\n${HOST}\r\n`],
  },
  {
    name: "requests in one packet",
    sent: `POST /1 HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\nhi\r\nGET /2 HTTP/1.1\r\n${HOST}\r\n${
      CHUNKED.replace("/", "/3")
    }0\r\n\r\nHEAD /4 HTTP/1.1\r\n${HOST}\r\n`,
    got: [
      `POST /1 HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\nhi`,
      `GET /2 HTTP/1.1\r\n${HOST}\r\n`,
      `${CHUNKED.replace("/", "/3")}0\r\n\r\n`,
      `HEAD /4 HTTP/1.1\r\n${HOST}\r\n`,
    ],
  },
];

const ADDED = /(X-Forwarded-[A-Za-z]+|X-Request-Id|X-Unkey-Hops|X-Real-Ip): .*\r\n/g;

Deno.test("odd requests that the standards allow reach the app as they are meant", async (t) => {
  for (const { name, sent, got } of SERVED) {
    await t.step(name, async () => {
      using app = new App();
      await using proxy = await startProxy({ upstream: app.upstream });
      using client = await Wire.connect(proxy.port);
      await client.send(sent);
      const wire = await app.accept();
      for (const wanted of got) {
        const [head = "", body = ""] = wanted.split(/(?<=\r\n\r\n)(.*)/s);
        assert.equal((await wire.until("\r\n\r\n")).replaceAll(ADDED, ""), head);
        assert.equal(await wire.exactly(body.length), body);
        await wire.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        assert.match(await client.until("\r\n\r\n"), /^HTTP\/1\.1 200 /);
      }
      assert.deepEqual(proxy.failures, []);
    });
  }
});

Deno.test("HTTP/0.9 and other words are refused at once, without a wait for the rest of a head", async () => {
  using app = new App();
  await using proxy = await startProxy({
    upstream: app.upstream,
    limits: { headMsMax: 600_000, lingerMsMax: 100 },
  });
  for (const sent of ["GET /\r\n\r\n", "get\r\n\r\n", "\x16\x03\x01\x02\0\x01\r\n\r\n"]) {
    using client = await Wire.connect(proxy.port);
    await client.send(sent);
    assert.match((await client.toEnd()).text, /^HTTP\/1\.1 400 /);
  }
});
