import type { Buffer } from "node:buffer";
import type { Failure, HeaderField } from "./types.ts";

/** The first part of a request, as sent. */
export interface RequestHead {
  readonly method: string;
  readonly target: string;
  /** 1 for HTTP/1.1, 0 for HTTP/1.0. */
  readonly minor: 0 | 1;
  readonly headers: readonly HeaderField[];
}

/** The first part of a response, as sent. */
export interface ResponseHead {
  readonly minor: 0 | 1;
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly HeaderField[];
}

export type Parsed<T> = { readonly ok: true; readonly value: T } | {
  readonly ok: false;
  readonly failure: Failure;
};

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Field values may hold tabs, visible ASCII, spaces, and bytes above 127. */
// deno-lint-ignore no-control-regex -- these are the characters that must not get through
const FORBIDDEN = /[\0-\x08\n-\x1f\x7f]/;
const FORBIDDEN_IN_TARGET = /[\0-\x20\x7f]/;
const REQUEST_LINE = /^([^ ]+) ([^ ]+) HTTP\/([0-9])\.([0-9])$/;
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9][0-9]{2})(?: (.*))?$/;
const CR = 13;
const LF = 10;

/** True if the text can be the name of a field, or a method. */
export function isFieldName(text: string): boolean {
  return TOKEN.test(text);
}

/** True if the text can be the value of a field: no control character, no blank around it. */
export function isFieldValue(text: string): boolean {
  return !FORBIDDEN.test(text) && !isBlank(text.charCodeAt(0)) && !isBlank(text.charCodeAt(text.length - 1));
}

/** The bytes of empty lines at the begin. */
export function blankLines(bytes: Uint8Array): number {
  let at = 0;
  while (bytes[at] === CR && bytes[at + 1] === LF) at += 2;
  return at;
}

/**
 * Finds where a request head ends: the index after its empty line, -1 when that has not come yet, -2 when a line ends
 * in a bare LF, which other parsers read differently.
 */
export function requestHeadEnd(bytes: Uint8Array, from: number): number {
  for (let at = from; at < bytes.length; at++) {
    if (bytes[at] !== LF) continue;
    if (at === 0 || bytes[at - 1] !== CR) return -2;
    if (at >= 3 && bytes[at - 2] === LF && bytes[at - 3] === CR) return at + 1;
  }
  return -1;
}

/** As for requests, but a bare LF ends a line too: small servers send it, and only their own clients read it. */
export function responseHeadEnd(bytes: Uint8Array, from: number): number {
  for (let at = from; at < bytes.length; at++) {
    if (bytes[at] !== LF) continue;
    if (bytes[at - 1] === LF || (bytes[at - 1] === CR && bytes[at - 2] === LF)) return at + 1;
  }
  return -1;
}

/** Reads a complete request head. What is not exactly right is refused: leniency is how requests are smuggled. */
export function parseRequestHead(bytes: Buffer, end: number, headersMax: number): Parsed<RequestHead> {
  const text = bytes.toString("latin1", 0, end - 4);
  const lineEnd = text.indexOf("\r\n");
  const line = lineEnd === -1 ? text : text.slice(0, lineEnd);
  const match = REQUEST_LINE.exec(line);
  if (match === null) return refuse("bad_request", "The request line is malformed.");
  const [, method = "", target = "", major, minor] = match;
  if (!TOKEN.test(method)) return refuse("bad_request", "The method is malformed.");
  if (FORBIDDEN_IN_TARGET.test(target)) {
    return refuse("bad_request", "The request target holds a control character.");
  }
  if (major !== "1" || (minor !== "0" && minor !== "1")) {
    return refuse("version_not_supported", "Only HTTP/1.0 and HTTP/1.1 are spoken on this port.");
  }
  const headers: HeaderField[] = [];
  const failure = lineEnd === -1 ? undefined : parseFields(text, lineEnd + 2, headers, { headersMax });
  if (failure !== undefined) return { ok: false, failure };
  return { ok: true, value: { method, target, minor: minor === "1" ? 1 : 0, headers } };
}

/** Reads a complete response head. */
export function parseResponseHead(bytes: Buffer, end: number, headersMax: number): Parsed<ResponseHead> {
  let text = bytes.toString("latin1", 0, end);
  text = text.endsWith("\r\n\r\n") ? text.slice(0, -4) : text.replace(/\r?\n\r?\n$/, "");
  if (/[^\r]\n/.test(text)) text = text.replace(/\r?\n/g, "\r\n");
  if (/\r\n[ \t]/.test(text)) text = unfolded(text);
  const lineEnd = text.indexOf("\r\n");
  const match = STATUS_LINE.exec(lineEnd === -1 ? text : text.slice(0, lineEnd));
  const [, minor, status, reason = ""] = match ?? [];
  if (match === null || FORBIDDEN.test(reason)) {
    const line = quoted(lineEnd === -1 ? text : text.slice(0, lineEnd));
    return refuse("upstream_invalid", `The app's status line is malformed: ${line}.`);
  }
  const headers: HeaderField[] = [];
  const options = { headersMax, blankBeforeColon: true };
  const failure = lineEnd === -1 ? undefined : parseFields(text, lineEnd + 2, headers, options);
  if (failure !== undefined) {
    return refuse("upstream_invalid", `The app's response headers are malformed: ${failure.detail}`);
  }
  return { ok: true, value: { minor: minor === "1" ? 1 : 0, status: Number(status), reason, headers } };
}

/**
 * Joins folded lines, an old way to write one long value, with one space in place of the blanks around each fold. Takes
 * time in proportion to the length: a regular expression that may begin anywhere in the blanks would need its square.
 */
function unfolded(text: string): string {
  const lines = text.split("\r\n");
  const parts: string[] = [];
  for (const [index, line] of lines.entries()) {
    const folded = index > 0 && isBlank(line.charCodeAt(0));
    if (index > 0) parts.push(folded ? " " : "\r\n");
    const start = folded ? blanksEnd(line, 0) : 0;
    const goesOn = isBlank(lines[index + 1]?.charCodeAt(0) ?? NaN);
    parts.push(line.slice(start, goesOn ? blanksStart(line, start, line.length) : line.length));
  }
  return parts.join("");
}

/** Limits of a list of fields. */
export interface FieldOptions {
  readonly headersMax: number;
  /**
   * Blanks between a name and its colon are taken away. A proxy must do so in responses, and must refuse such requests,
   * which servers read differently (RFC 9112, 5.1).
   */
  readonly blankBeforeColon?: boolean;
}

/** Reads the fields in `text` from `from` on, one per CRLF line, into `into`; also used for trailers. */
export function parseFields(
  text: string,
  from: number,
  into: HeaderField[],
  { headersMax, blankBeforeColon = false }: FieldOptions,
): Failure | undefined {
  for (let at = from; at <= text.length;) {
    const end = text.indexOf("\r\n", at);
    const stop = end === -1 ? text.length : end;
    const colon = text.indexOf(":", at);
    const nameEnd = colon === -1 || colon > stop
      ? at
      : blankBeforeColon
      ? blanksStart(text, at, colon)
      : colon;
    const name = text.slice(at, nameEnd);
    if (!TOKEN.test(name)) {
      const detail = `A header line is malformed: ${
        quoted(text.slice(at, colon > at ? Math.min(colon, stop) : stop))
      }.`;
      return { kind: "bad_request", detail };
    }
    const value = trimmed(text, colon + 1, stop);
    if (FORBIDDEN.test(value)) {
      return { kind: "bad_request", detail: `The header "${name}" holds a control character.` };
    }
    if (into.length >= headersMax) {
      return { kind: "header_too_large", detail: `There are more than ${headersMax} headers.` };
    }
    into.push({ name, lower: name.toLowerCase(), value });
    at = stop + 2;
  }
  return undefined;
}

const QUOTED_MAX = 40;

/** The beginning of a text from outside, for a message. */
function quoted(text: string): string {
  const shown = text.slice(0, QUOTED_MAX).replace(/[^\x20-\x7e]/g, "?");
  return `"${shown}"${text.length > QUOTED_MAX ? "…" : ""}`;
}

/** The value without the spaces and tabs around it. */
function trimmed(text: string, from: number, to: number): string {
  const start = Math.min(blanksEnd(text, from), to);
  return text.slice(start, blanksStart(text, start, to));
}

/** The index of the first character from `from` on that is no space or tab. */
function blanksEnd(text: string, from: number): number {
  let at = from;
  while (isBlank(text.charCodeAt(at))) at++;
  return at;
}

/** The index after which there are only spaces and tabs up to `to`; `from` when there is nothing else. */
function blanksStart(text: string, from: number, to: number): number {
  let at = to;
  while (at > from && isBlank(text.charCodeAt(at - 1))) at--;
  return at;
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

function refuse(kind: Failure["kind"], detail: string): { ok: false; failure: Failure } {
  return { ok: false, failure: { kind, detail } };
}

/** The only value of a field, `undefined` when it is absent, `null` when it is there more than once. */
export function single(headers: readonly HeaderField[], lower: string): string | undefined | null {
  let found: string | undefined;
  for (const each of headers) {
    if (each.lower !== lower) continue;
    if (found !== undefined) return null;
    found = each.value;
  }
  return found;
}

/** The members of a comma-separated field in lower case, over all its lines. */
export function listed(headers: readonly HeaderField[], lower: string): string[] {
  const members: string[] = [];
  for (const each of headers) {
    if (each.lower !== lower) continue;
    for (const member of each.value.split(",")) {
      const text = member.trim().toLowerCase();
      if (text !== "") members.push(text);
    }
  }
  return members;
}
