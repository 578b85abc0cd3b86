/** Calls as a browser makes them, over the wire: with the headers that pages cannot choose themselves. */
import assert from "node:assert/strict";
import { request } from "node:http";
import type { TestApi } from "../testing.ts";

export interface BrowserCall {
  readonly path: string;
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

export interface BrowserAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** The host name of the dashboard of a test's api. */
export function hostOf({ port }: Pick<TestApi, "port">): string {
  return `dashboard.localhost:${port}`;
}

/** Headers of a call that a page of the dashboard makes. */
export function pageHeaders(api: Pick<TestApi, "port">): Record<string, string | undefined> {
  return {
    host: hostOf(api),
    "content-type": "application/json",
    "connect-protocol-version": "1",
    "sec-fetch-site": "same-origin",
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36",
  };
}

/** Sends a request to the api's address with any host name. */
export function send(api: Pick<TestApi, "port">, call: BrowserCall): Promise<BrowserAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<BrowserAnswer>();
  const headers = Object.entries(call.headers ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const]
  );
  const outgoing = request({
    host: "127.0.0.1",
    port: api.port,
    path: call.path,
    method: call.method ?? "GET",
    headers: Object.fromEntries(headers),
    timeout: 30_000,
  }, (answer) => {
    const parts: Uint8Array[] = [];
    answer.on("data", (part: Uint8Array) => parts.push(part));
    answer.on("error", reject);
    answer.on("end", () =>
      resolve({
        status: answer.statusCode ?? 0,
        headers: answer.headers,
        body: new TextDecoder().decode(new Uint8Array(parts.flatMap((part) => [...part]))),
      }));
  });
  outgoing.on("error", reject).on("timeout", () => outgoing.destroy(new Error("no answer within 30 s")));
  outgoing.end(call.body);
  return promise;
}

/** A unary call of a page; `changes` replace or remove headers. */
export async function callAsPage(
  api: Pick<TestApi, "port">,
  method: string,
  message: Readonly<Record<string, unknown>> = {},
  changes: Readonly<Record<string, string | undefined>> = {},
): Promise<BrowserAnswer> {
  return await send(api, {
    path: `/ctrl.v1.${method}`,
    method: "POST",
    body: JSON.stringify(message),
    headers: { ...pageHeaders(api), ...changes },
  });
}

/** Logs in with a link, and returns the session's cookie for later calls. */
export async function startSession(
  api: Pick<TestApi, "port">,
  link: URL,
  changes: Readonly<Record<string, string | undefined>> = {},
): Promise<{ readonly id: string; readonly cookie: string; readonly setCookie: string }> {
  const code = link.hash.slice(1);
  const answer = await callAsPage(api, "SessionService/StartSession", { code }, changes);
  assert.equal(answer.status, 200, answer.body);
  const [setCookie = ""] = answer.headers["set-cookie"] ?? [];
  const { sessionId } = JSON.parse(answer.body);
  assert.ok(typeof sessionId === "string");
  return { id: sessionId, cookie: setCookie.split(";", 1)[0] ?? "", setCookie };
}
