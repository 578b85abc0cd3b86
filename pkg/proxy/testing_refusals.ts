/** A request of HTTP/1.1 that is refused. */
export interface Refusal {
  readonly name: string;
  readonly request: string;
  readonly status: number;
}

const HOST = "Host: a\r\n";

/** Two servers that read one of these differently would disagree about where the next request begins, or whose it is. */
export const REFUSALS: readonly Refusal[] = [
  {
    name: "Content-Length with Transfer-Encoding",
    request: `POST / HTTP/1.1\r\n${HOST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    status: 400,
  },
  {
    name: "two different lengths",
    request: `POST / HTTP/1.1\r\n${HOST}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde`,
    status: 400,
  },
  {
    name: "the same length twice",
    request: `POST / HTTP/1.1\r\n${HOST}Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd`,
    status: 400,
  },
  {
    name: "a list of lengths",
    request: `POST / HTTP/1.1\r\n${HOST}Content-Length: 4, 4\r\n\r\nabcd`,
    status: 400,
  },
  {
    name: "a signed length",
    request: `POST / HTTP/1.1\r\n${HOST}Content-Length: +4\r\n\r\nabcd`,
    status: 400,
  },
  {
    name: "a hexadecimal length",
    request: `POST / HTTP/1.1\r\n${HOST}Content-Length: 0x4\r\n\r\nabcd`,
    status: 400,
  },
  { name: "an empty length", request: `POST / HTTP/1.1\r\n${HOST}Content-Length:\r\n\r\n`, status: 400 },
  {
    name: "Transfer-Encoding twice",
    request:
      `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
    status: 400,
  },
  {
    name: "a coding besides chunked",
    request: `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    status: 501,
  },
  {
    name: "a coding that looks like chunked",
    request: `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
    status: 501,
  },
  {
    name: "a coding behind a vertical tab",
    request: `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`,
    status: 400,
  },
  {
    name: "Transfer-Encoding in HTTP/1.0",
    request: `POST / HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    status: 400,
  },
  {
    name: "a space before the colon",
    request: `POST / HTTP/1.1\r\n${HOST}Content-Length : 4\r\n\r\nabcd`,
    status: 400,
  },
  { name: "a folded line", request: `GET / HTTP/1.1\r\n${HOST}X: a\r\n b\r\n\r\n`, status: 400 },
  { name: "a folded line at the start", request: `GET / HTTP/1.1\r\n X: a\r\n${HOST}\r\n`, status: 400 },
  { name: "a bare LF", request: `GET / HTTP/1.1\n${HOST}\r\n`, status: 400 },
  { name: "a bare LF between headers", request: `GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n`, status: 400 },
  { name: "a bare CR", request: `GET / HTTP/1.1\r\n${HOST}X: a\rContent-Length: 5\r\n\r\n`, status: 400 },
  { name: "a NUL", request: `GET / HTTP/1.1\r\n${HOST}X: a\0b\r\n\r\n`, status: 400 },
  { name: "a header without a colon", request: `GET / HTTP/1.1\r\n${HOST}X\r\n\r\n`, status: 400 },
  { name: "a header without a name", request: `GET / HTTP/1.1\r\n${HOST}: x\r\n\r\n`, status: 400 },
  { name: "no Host", request: "GET / HTTP/1.1\r\n\r\n", status: 400 },
  { name: "two Hosts", request: "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", status: 400 },
  { name: "a Host that is none", request: "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", status: 400 },
  { name: "a Host with a user", request: "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", status: 400 },
  { name: "a target of another host", request: `GET http://b/ HTTP/1.1\r\n${HOST}\r\n`, status: 400 },
  { name: "a target that is no path", request: `GET x HTTP/1.1\r\n${HOST}\r\n`, status: 400 },
  { name: "a space in the target", request: `GET /a b HTTP/1.1\r\n${HOST}\r\n`, status: 400 },
  { name: "two spaces in the request line", request: `GET  / HTTP/1.1\r\n${HOST}\r\n`, status: 400 },
  { name: "CONNECT", request: `CONNECT a:80 HTTP/1.1\r\n${HOST}\r\n`, status: 501 },
  { name: "HTTP/2.0", request: `GET / HTTP/2.0\r\n${HOST}\r\n`, status: 505 },
  { name: "no HTTP at all", request: "hello\r\n\r\n", status: 400 },
  { name: "an unknown expectation", request: `GET / HTTP/1.1\r\n${HOST}Expect: tea\r\n\r\n`, status: 417 },
  {
    name: "too many headers",
    request: `GET / HTTP/1.1\r\n${HOST}${"X: y\r\n".repeat(129)}\r\n`,
    status: 431,
  },
  {
    name: "headers that are too long",
    request: `GET / HTTP/1.1\r\n${HOST}X: ${"y".repeat(40_000)}`,
    status: 431,
  },
];
