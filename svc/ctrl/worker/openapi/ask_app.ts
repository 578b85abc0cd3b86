/** One request for a document, to an edge. */
import { Buffer } from "node:buffer";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { once } from "node:events";
import { countOperations, DOCUMENT_BYTES_MAX, readDocument } from "../../../../pkg/openapi/mod.ts";
import type { Asked } from "./types.ts";

export interface AskOptions {
  /** A setting of the operator, so that no app can direct the request to another host. */
  readonly edgeUrl: string;
  /** Of the deployment; the edge leads it to the deployment's own instances. */
  readonly hostname: string;
  readonly path: string;
  /** Of the whole answer. */
  readonly limitMs: number;
}

/** The edge's own answers while no instance takes requests, and an app's that is not ready yet. */
const LATER = [429, 502, 503, 504];

/** Asks an app for its document. Redirects are not followed, and the answer is read within bounds. Never throws for it. */
export async function askApp(options: AskOptions, signal: AbortSignal): Promise<Asked> {
  signal.throwIfAborted();
  const limit = AbortSignal.any([signal, AbortSignal.timeout(options.limitMs)]);
  let answer: { readonly status: number; readonly body: Uint8Array | undefined };
  try {
    answer = await send(options, limit);
  } catch {
    signal.throwIfAborted();
    const seconds = options.limitMs / 1_000;
    return { kind: "later", problem: `the app gave no whole answer within ${seconds} s.` };
  }
  const { status, body } = answer;
  const at = `"${options.path}"`;
  if (LATER.includes(status)) return { kind: "later", problem: `${at} is answered with ${status}.` };
  if (status >= 300 && status < 400) {
    return { kind: "none", problem: `${at} is answered with a redirect (${status}), which is not followed.` };
  }
  if (status !== 200) return { kind: "none", problem: `${at} is answered with ${status}.` };
  if (body === undefined) {
    return { kind: "none", problem: `what is at ${at} has more than ${DOCUMENT_BYTES_MAX / 1024} KiB.` };
  }
  const read = await readDocument(body);
  if (read.kind === "problem") return { kind: "none", problem: `what is at ${at} ${read.problem}.` };
  const { version, document } = read;
  return {
    kind: "read",
    body,
    version,
    operations: countOperations(document),
  };
}

async function send(
  { edgeUrl, hostname, path }: AskOptions,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly body: Uint8Array | undefined }> {
  const { protocol, hostname: edge, port } = new URL(edgeUrl);
  const secure = protocol === "https:";
  const host = port === "" ? hostname : `${hostname}:${port}`;
  const request = (secure ? httpsRequest : httpRequest)({
    host: edge.replace(/^\[|\]$/g, ""),
    port: port === "" ? (secure ? 443 : 80) : Number(port),
    path,
    signal,
    agent: false,
    ...(secure ? { servername: hostname } : {}),
    headers: {
      host,
      accept: "application/json, application/yaml;q=0.9, */*;q=0.1",
      "accept-encoding": "identity",
      "user-agent": "unkey-openapi",
    },
  });
  // An abort after the answer has no reader any more.
  request.on("error", () => undefined);
  try {
    request.end();
    const [response]: IncomingMessage[] = await once(request, "response", { signal });
    const status = response?.statusCode ?? 0;
    if (response === undefined || status !== 200) return { status, body: undefined };
    return { status, body: await readBounded(response) };
  } finally {
    request.destroy();
  }
}

/** `undefined` for more bytes than a document may have. */
async function readBounded(response: IncomingMessage): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response) {
    bytes += part.length;
    if (bytes > DOCUMENT_BYTES_MAX) return undefined;
    parts.push(part);
  }
  // A connection that breaks off ends the loop, too.
  if (!response.complete) throw new Error("the answer broke off");
  return Buffer.concat(parts);
}
