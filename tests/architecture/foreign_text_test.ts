/**
 * Apps, clients, registries and engines send text that is parsed on the only thread there is: a parser that needs the
 * square of the length lets one of them stop the service for all others. Here is every such parser, fed with 256 KiB of
 * what is hard for regular expressions; where that takes long, its growth from 64 KiB says whether it is proportional. A new parser of foreign text gets a row.
 */
import { plainCheck } from "../../svc/krane/internal/deployment/health_check.ts";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { cpuUsage } from "node:process";
import { oneLine, printable } from "../../cmd/shared/output.ts";
import { readChain } from "../../pkg/acme/certificate.ts";
import { readWindow } from "../../pkg/acme/renewal.ts";
import { parseRetryAfter } from "../../pkg/acme/retry_after.ts";
import { readProblem } from "../../pkg/acme/transport.ts";
import { explainFailure } from "../../pkg/build/explain/explain.ts";
import { TerminalLines } from "../../pkg/build/progress/terminal_lines.ts";
import { pushProblem } from "../../pkg/docker/push_problem.ts";
import { parseRegistryHost } from "../../pkg/registry/host.ts";
import { pullFailureText } from "../../pkg/registry/pull_text.ts";
import { remoteProblem } from "../../pkg/registry/remote_problem.ts";
import { requestParts } from "../../pkg/rpc/http2_request.ts";
import { jsonProblem } from "../../pkg/rpc/json_shape.ts";
import { podRefusal } from "../../svc/krane/internal/runtime/kubernetes/refusals.ts";
import { dockerfileNotices } from "../../pkg/build/explain/mod.ts";
import { LogDemux } from "../../pkg/docker/logs.ts";
import { LineCutter, parseStamped } from "../../pkg/lines/mod.ts";
import { bodyDecoder } from "../../pkg/proxy/body.ts";
import { HpackDecoder } from "../../pkg/http2/hpack_decoder.ts";
import { forwardedRequest, forwardedResponse } from "../../pkg/proxy/forward.ts";
import { requestFraming, responseFraming } from "../../pkg/proxy/framing.ts";
import { parseRequestHead, parseResponseHead } from "../../pkg/proxy/head.ts";
import {
  describeRequest,
  expectationProblem,
  hostName,
  keepsAlive,
  upgradeOf,
} from "../../pkg/proxy/request.ts";
import { ResponseHeads } from "../../pkg/proxy/response_heads.ts";
import { LIMITS } from "../../pkg/proxy/mod.ts";
import { parseReference } from "../../pkg/registry/reference.ts";
import { pathOf } from "../../pkg/rpc/context.ts";
import { explain } from "../../svc/frontline/internal/explain.ts";
import { RouteTable } from "../../svc/frontline/internal/route_table.ts";
import { labelValue } from "../../svc/krane/internal/runtime/kubernetes/labels.ts";
import { mebibytes, Pod } from "../../svc/krane/internal/runtime/kubernetes/objects.ts";
import { derivePod } from "../../svc/krane/internal/runtime/kubernetes/status.ts";

const CHARS = 256 * 1024;
const CHARS_FEW = 64 * 1024;
/** Processor time, which a busy machine does not add to. Proportional work takes less than a tenth of it. */
const CPU_MS_MAX = 2_000;
/** Less is not compared: the collector's work may come at any time. */
const CPU_MS_COMPARED = 150;
/** Runs of a parser that is compared. */
const ROUNDS = 3;
/** Proportional work takes 4 times as long for 4 times the length, quadratic work 16 times. */
const GROWTH_MAX = 10;
const HEADERS_MAX = 512;

const fill = (unit: string): string => unit.repeat(Math.ceil(CHARS / unit.length)).slice(0, CHARS);
const numbered = (end: string): string =>
  Array.from({ length: 15_000 }, (_, index) => `${index.toString(36).padStart(3, "0")}${end}`).join("");

const UNITS = [
  ...[" ", "\t", "\r", "\n", "\r\n", "\r\n ", " \r\n", " \t\r\n\t ", " \n", "x\r\n"],
  ...[
    ":",
    "a:",
    "a:\r\n",
    "a: b\r\n",
    ",",
    ", ",
    "a,",
    ";",
    "=",
    '"',
    'a="',
    "/",
    "//",
    "-",
    "--",
    ".",
    "@",
    "?",
  ],
  ...[
    "1",
    "1 ",
    "a",
    "aA",
    "A",
    "\xff",
    "\0",
    "\x1b[",
    "\x1b[1;",
    "[",
    "(",
    "{",
    "<",
    "&",
    "\\",
    "http://",
    "not ",
  ],
];

/** Long runs of each unit, alone and before something that does not continue them. */
const INPUTS: readonly (readonly [name: string, text: string])[] = [
  ...UNITS.flatMap((unit) => [
    [JSON.stringify(unit), fill(unit)] as const,
    [`${JSON.stringify(unit)} and then "x y"`, `${fill(unit)}x y`] as const,
  ]),
  ["15,000 members", numbered(",")],
  ["15,000 lines", numbered(": x\r\n")],
];

function responseHead(text: string): void {
  const bytes = Buffer.from(text, "latin1");
  const parsed = parseResponseHead(bytes, bytes.length, HEADERS_MAX);
  if (!parsed.ok) return;
  const framing = responseFraming(parsed.value, "GET");
  if (!framing.ok) return;
  forwardedResponse(parsed.value, {
    requestId: "r",
    clientMinor: 1,
    framing: framing.value,
    keepAlive: true,
  });
}

function requestHead(text: string): void {
  const bytes = Buffer.from(text, "latin1");
  const parsed = parseRequestHead(bytes, bytes.length, HEADERS_MAX);
  if (!parsed.ok) return;
  const head = parsed.value;
  const request = describeRequest(head, { address: "127.0.0.1", scheme: "http", newRequestId: () => "r" });
  const framing = requestFraming(head);
  expectationProblem(head);
  keepsAlive(head);
  if (!request.ok || !framing.ok) return;
  const upgrade = upgradeOf(head, framing.value);
  forwardedRequest(request.value, head, { framing: framing.value, upgrade, trusted: true });
}

function chunked(text: string): void {
  bodyDecoder({ kind: "chunked" }).push(Buffer.from(text, "latin1"), 0, []);
}

function inPieces(text: string, size: number, push: (bytes: Buffer) => void): void {
  const bytes = Buffer.from(text, "latin1");
  for (let at = 0; at < bytes.length; at += size) push(bytes.subarray(at, at + size));
}

function explained(text: string): void {
  for (const accept of [text, `${text}text/html`, "text/html", "text/plain"]) {
    explain({
      ...{ kind: "unknown_host", detail: text, id: text, status: 404, method: text, host: text, accept },
      ...{ upstream: undefined, cut: false, cause: undefined },
    });
  }
}

function podStates(text: string): void {
  const metadata = { name: text, uid: "u", resourceVersion: "1" };
  const waiting = (reason: string) => ({
    phase: "Pending",
    containerStatuses: [{ name: "app", state: { waiting: { reason, message: text } } }],
  });
  for (
    const status of [{ phase: "Failed", reason: text, message: text }, waiting("ErrImagePull"), waiting(text)]
  ) {
    const pod = Pod.parse({ metadata, spec: { nodeName: "n", containers: [] }, status });
    derivePod({ pod, port: 1, healthCheck: plainCheck(""), lastLines: [text], nowMs: 0, isLast: false });
  }
}

const PARSERS: Readonly<Record<string, (text: string) => void>> = {
  "volumes of a Dockerfile": (text) => void dockerfileNotices(`VOLUME ${text}`, { healthCheckPath: "" }),
  "a Dockerfile": (text) => void dockerfileNotices(text, { healthCheckPath: "" }),
  "frames of the engine's log": (text) => {
    const bytes = new TextEncoder().encode(text);
    const frame = new Uint8Array(8 + bytes.length);
    new DataView(frame.buffer).setUint32(4, bytes.length);
    frame.set(bytes, 8);
    for (const _ of new LogDemux().push(frame)) { /* only read */ }
  },
  "a value of a response": (text) => responseHead(`HTTP/1.1 200 OK\r\nA: b${text}c\r\n d\r\n\r\n`),
  "a folded value of a response": (text) => responseHead(`HTTP/1.1 200 OK\nA: b\n ${text}\n c\n\n`),
  "a reason of a response": (text) => responseHead(`HTTP/1.1 200 ${text}\r\n\r\n`),
  "a whole head of a response": (text) => responseHead(`HTTP/1.1 200 OK\r\n${text}\r\n\r\n`),
  // An app may send 64 interim ones for one request.
  "tokens of a few responses": (text) => {
    const head = `HTTP/1.1 200 OK\r\nConnection: ${text}\r\n${"zzz:\r\n".repeat(500)}\r\n`;
    for (let count = 0; count < 10; count++) responseHead(head);
  },
  "framing of a response": (text) =>
    responseHead(`HTTP/1.1 200 OK\r\nContent-Length: ${text}\r\nTransfer-Encoding: ${text}\r\n\r\n`),
  "bytes of a response's head": (text) => {
    const heads = new ResponseHeads(LIMITS);
    // More ends the connection.
    inPieces(`HTTP/1.1 200 OK\r\nA: ${text}`.slice(0, LIMITS.responseHeadBytesMax), 1, (bytes) => {
      heads.push(bytes);
      for (let head = heads.next(); head?.ok === true; head = heads.next());
    });
  },
  "a request line": (text) => requestHead(`GET ${text} HTTP/1.1\r\nHost: a\r\n\r\n`),
  "a method": (text) => requestHead(`${text} / HTTP/1.1\r\nHost: a\r\n\r\n`),
  "an absolute target": (text) => requestHead(`GET http://a${text} HTTP/1.1\r\nHost: a\r\n\r\n`),
  "a host": (text) => void hostName(text),
  "values of a request": (text) => {
    for (const name of ["Connection", "Upgrade", "TE", "Expect", "X-Forwarded-For", "X-Request-Id", "A"]) {
      requestHead(`GET / HTTP/1.1\r\nHost: a\r\n${name}: ${text}\r\nConnection: upgrade\r\n\r\n`);
    }
  },
  "tokens of a request": (text) =>
    requestHead(`GET / HTTP/1.1\r\nHost: a\r\nConnection: ${text}\r\n${"zzz:\r\n".repeat(500)}\r\n`),
  "names of a request": (text) => requestHead(`GET / HTTP/1.1\r\nHost: a\r\n${text}\r\n\r\n`),
  "the size of a chunk": (text) => chunked(text),
  "the extension of a chunk": (text) => chunked(`1;${text}`),
  "trailers": (text) => chunked(`0\r\n${text}`),
  "printed lines": (text) => void new LineCutter().push(Buffer.from(text)).map(parseStamped),
  "printed pieces of lines": (text) => {
    const cutter = new LineCutter();
    inPieces(text, 16, (bytes) => void cutter.push(bytes));
  },
  "a line with a time": (text) => {
    parseStamped(text);
    parseStamped(`2026-01-02T03:04:05.${text}`);
  },
  "the path of a call": (text) => void pathOf({ url: text } as Parameters<typeof pathOf>[0]),
  "a page about a failure": explained,
  "a header block of HTTP/2": (text) => {
    const bytes = Buffer.from(text, "latin1");
    new HpackDecoder(65_536).decode(bytes);
    // A literal whose value is a Huffman code.
    new HpackDecoder(65_536).decode(Buffer.concat([Buffer.from("0001788a", "hex"), bytes]));
  },
  "an address of an instance": (text) => {
    const endpoints = [{ instanceId: "i", address: text, region: "r" }];
    new RouteTable().apply({ kind: "apply_endpoints", deploymentId: "d", endpoints, protocol: "" }, 0);
  },
  "the state of a pod": podStates,
  "a quantity": (text) => void mebibytes(text),
  "a label": (text) => refused(() => labelValue(text)),
  "the name of an image": (text) => void parseReference(text),
  "the structure of JSON": (text) => void jsonProblem(new TextEncoder().encode(text)),
  "the fields of an RPC": (text) => {
    const fields = [[":method", "POST"], [":scheme", "http"], [":path", `/${text}`], ["te", text], [
      "a",
      text,
    ]];
    requestParts(fields.map(([name = "", value = ""]) => ({ name, lower: name, value })));
    requestParts([{ name: text, lower: text, value: text }]);
  },
  "the error of a build": (text) => {
    const failed = { name: text, error: text, lastLines: [text] };
    explainFailure(text, { dockerfile: "Dockerfile", text, record: { failed, names: [text] } });
  },
  "the output of a build": (text) => {
    const lines = new TerminalLines();
    inPieces(text, 4_096, (bytes) => void lines.push(bytes));
  },
  "an answer of a registry": (text) => {
    pushProblem(text);
    remoteProblem(text);
    pullFailureText("image", text);
  },
  "the host of a registry": (text) => void parseRegistryHost(text),
  "a refusal of a cluster": (text) => {
    podRefusal(text);
    podRefusal(`exceeded quota: ${text}`);
    podRefusal(`runtime handler ${text}`);
  },
  "an answer of an authority": (text) => {
    readProblem(text);
    readProblem({ type: text, detail: text });
    readWindow(text);
    parseRetryAfter(text, 0);
    refused(() => readChain(text));
    refused(() => readChain(`-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----`));
  },
  "output for a terminal": (text) => {
    printable(text);
    oneLine(text);
  },
};

function refused(parse: () => unknown): void {
  try {
    parse();
  } catch {
    // A refusal is an answer too.
  }
}

function cpuMsOf(work: () => void): number {
  const before = cpuUsage();
  work();
  const { user, system } = cpuUsage(before);
  return (user + system) / 1_000;
}

/** The least of several, because a collection of garbage and a compilation count as the parser's. */
function leastCpuMsOf(work: () => void): number {
  return Math.min(...Array.from({ length: ROUNDS }, () => cpuMsOf(work)));
}

Deno.test("no parser of foreign text needs more than time in proportion to its length", async (t) => {
  for (const [name, parse] of Object.entries(PARSERS)) {
    await t.step(name, () => {
      for (const [input, text] of INPUTS) {
        const cpuMs = cpuMsOf(() => parse(text));
        assert.ok(cpuMs < CPU_MS_MAX, `${input} takes ${cpuMs} ms`);
        if (cpuMs < CPU_MS_COMPARED) continue;
        const few = `${text.slice(0, CHARS_FEW)}${text.slice(-3)}`;
        const fewMs = leastCpuMsOf(() => parse(few));
        const manyMs = Math.min(cpuMs, leastCpuMsOf(() => parse(text)));
        assert.ok(manyMs < GROWTH_MAX * fewMs, `${input} grows from ${fewMs} to ${manyMs} ms`);
      }
    });
  }
});
