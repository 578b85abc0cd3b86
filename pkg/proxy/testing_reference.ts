/** A strict reading of requests by RFC 9112, made without the proxy's own parser, to compare it with. */

/** A request as every reader must take it. */
export interface ReferenceRequest {
  readonly method: string;
  readonly target: string;
  readonly host: string;
  /** The values of `X-Tag`. */
  readonly tags: readonly string[];
  readonly body: string;
}

/** The meaning of a text of one byte per character. `rest` follows the last complete request. */
export interface Reading {
  readonly requests: readonly ReferenceRequest[];
  readonly rest: string;
}

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const LINE = new RegExp(`^(${TOKEN}) ([\\x21-\\x7e\\x80-\\xff]+) HTTP/1\\.([01])\\r\\n`);
const FIELD = new RegExp(
  `^(${TOKEN}):[ \\t]*((?:[\\t\\x20-\\x7e\\x80-\\xff]*[\\x21-\\x7e\\x80-\\xff])?)[ \\t]*\\r\\n`,
);
const CHUNK_SIZE = /^([0-9A-Fa-f]{1,12})(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n/;

/** Reads requests until one is not complete, or not exactly as the standard says. */
export function readStrictly(text: string): Reading {
  const requests: ReferenceRequest[] = [];
  let rest = text;
  for (;;) {
    const found = readOne(rest.replace(/^(\r\n)+/, ""));
    if (found === undefined) return { requests, rest };
    requests.push(found.request);
    rest = found.rest;
  }
}

function readOne(text: string): { readonly request: ReferenceRequest; readonly rest: string } | undefined {
  const line = LINE.exec(text);
  if (line === null) return undefined;
  const fields = readFields(text.slice(line[0].length));
  if (fields === undefined) return undefined;
  const of = (name: string): string[] =>
    fields.all.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
  const [hosts, codings, lengths] = [of("host"), of("transfer-encoding"), of("content-length")];
  if (hosts.length > 1 || codings.length > 1 || lengths.length > 1) return undefined;
  if (hosts.length === 0 && line[3] === "1") return undefined;
  if (codings.length > 0 && (lengths.length > 0 || line[3] === "0")) return undefined;
  const body = readBody(fields.rest, codings[0], lengths[0]);
  if (body === undefined) return undefined;
  const [, method = "", target = ""] = line;
  const request = { method, target, host: hosts[0] ?? "", tags: of("x-tag"), body: body.body };
  return { request, rest: body.rest };
}

function readFields(
  text: string,
): { readonly all: readonly [string, string][]; readonly rest: string } | undefined {
  const all: [string, string][] = [];
  let rest = text;
  while (!rest.startsWith("\r\n")) {
    const field = FIELD.exec(rest);
    if (field === null) return undefined;
    all.push([field[1] ?? "", field[2] ?? ""]);
    rest = rest.slice(field[0].length);
  }
  return { all, rest: rest.slice(2) };
}

function readBody(
  text: string,
  coding: string | undefined,
  length: string | undefined,
): { readonly body: string; readonly rest: string } | undefined {
  if (coding !== undefined) return coding.toLowerCase() === "chunked" ? readChunks(text) : undefined;
  if (length === undefined) return { body: "", rest: text };
  const bytes = /^[0-9]+$/.test(length) ? Number(length) : Infinity;
  return text.length < bytes ? undefined : { body: text.slice(0, bytes), rest: text.slice(bytes) };
}

function readChunks(text: string): { readonly body: string; readonly rest: string } | undefined {
  let [body, rest] = ["", text];
  for (;;) {
    const line = CHUNK_SIZE.exec(rest);
    if (line === null) return undefined;
    const bytes = Number.parseInt(line[1] ?? "", 16);
    rest = rest.slice(line[0].length);
    if (bytes === 0) break;
    if (rest.slice(bytes, bytes + 2) !== "\r\n") return undefined;
    body += rest.slice(0, bytes);
    rest = rest.slice(bytes + 2);
  }
  const trailers = readFields(rest);
  return trailers === undefined ? undefined : { body, rest: trailers.rest };
}
