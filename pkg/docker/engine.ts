import { z } from "zod";
import { Fault, publicFault } from "../fault/mod.ts";
import { type Meter, NO_METER } from "../metrics/mod.ts";
import { HOST_DEFAULT, parseHost } from "./address.ts";

/** One HTTP exchange with the engine; `path` begins after the API version. */
export interface EngineRequest {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON, or as it is when it is bytes. */
  readonly body?: unknown;
  readonly signal: AbortSignal;
  /** Until the answer's headers are there; for `callJson` and `callText` until its end. 0: only the signal ends it. */
  readonly timeoutMs?: number;
}

/** A connection to one Docker Engine. Close it when done; calls may run side by side. */
export interface Engine {
  readonly host: string;
  /** Sends a request and returns the answer unread; the caller reads the body to its end or cancels it. */
  call(request: EngineRequest): Promise<Response>;
  close(): void;
}

const TIMEOUT_MS = 30_000;
const API_OLDEST = [1, 41] as const;
const API_NEWEST = [1, 51] as const;

/**
 * Opens a client; nothing is sent before the first call, which also settles the API version. `meterOf` counts the calls.
 *
 * @throws `invalid_argument` when `host` has an unknown form
 */
export function openEngine(
  host: string = HOST_DEFAULT,
  meterOf: (method: EngineRequest["method"]) => Meter = () => NO_METER,
): Engine {
  const address = parseHost(host);
  const client = address.kind === "unix"
    ? Deno.createHttpClient({ proxy: { transport: "unix", path: address.path } })
    : Deno.createHttpClient({});
  const baseUrl = address.kind === "unix" ? "http://docker" : address.baseUrl;
  let version: string | undefined;

  const send = async (url: string, request: EngineRequest): Promise<Response> => {
    const { timeoutMs = TIMEOUT_MS } = request;
    const timer = new AbortController();
    const late = timeoutMs === 0 ? undefined : setTimeout(() => timer.abort(), timeoutMs);
    try {
      const { body, type } = encode(request.body);
      return await fetch(url, {
        method: request.method,
        signal: AbortSignal.any([request.signal, timer.signal]),
        client,
        headers: { ...request.headers, ...(body === undefined ? {} : { "content-type": type }) },
        ...(body === undefined ? {} : { body }),
      });
    } catch (error) {
      request.signal.throwIfAborted();
      if (timer.signal.aborted) throw lateFault(request, timeoutMs);
      throw unreachable(host, error);
    } finally {
      clearTimeout(late);
    }
  };

  const settle = async (signal: AbortSignal): Promise<string> => {
    const response = await send(`${baseUrl}/version`, { method: "GET", path: "/version", signal });
    if (!response.ok) throw await failure(response, { method: "GET", path: "/version", signal });
    return chooseVersion(Version.parse(await response.json()).ApiVersion);
  };

  return {
    host,
    async call(request: EngineRequest): Promise<Response> {
      version ??= await settle(request.signal);
      const url = new URL(`${baseUrl}/v${version}${request.path}`);
      for (const [name, value] of Object.entries(request.query ?? {})) {
        if (value !== undefined) url.searchParams.set(name, value);
      }
      return await meterOf(request.method)(async () => {
        const response = await send(url.href, request);
        if (!response.ok && response.status !== 304) throw await failure(response, request);
        return response;
      });
    },
    close: () => client.close(),
  };
}

/** Sends a request and decodes its JSON answer with `schema`. */
export async function callJson<T>(engine: Engine, request: EngineRequest, schema: z.ZodType<T>): Promise<T> {
  const text = await callText(engine, request);
  const parsed = schema.safeParse(parseJson(text, request));
  if (parsed.success) return parsed.data;
  throw new Fault("internal", `Docker answered ${label(request)} in an unknown form`, {
    cause: parsed.error,
  });
}

/** Sends a request and reads its answer to the end. */
export async function callText(engine: Engine, request: EngineRequest): Promise<string> {
  const { timeoutMs = TIMEOUT_MS } = request;
  const late = timeoutMs === 0 ? [] : [AbortSignal.timeout(timeoutMs)];
  const signal = AbortSignal.any([request.signal, ...late]);
  try {
    const response = await engine.call({ ...request, signal });
    return await response.text();
  } catch (error) {
    request.signal.throwIfAborted();
    if (error instanceof Fault) throw error;
    if (signal.aborted) throw lateFault(request, timeoutMs);
    throw unreachable(engine.host, error);
  }
}

/** The error of a streamed answer, in place of the transport's. */
export function streamFault(engine: Engine, signal: AbortSignal, error: unknown): unknown {
  if (signal.aborted) return signal.reason;
  return error instanceof Fault ? error : unreachable(engine.host, error);
}

const Version = z.object({ ApiVersion: z.string(), Version: z.string() });
const Problem = z.object({ message: z.string() });

/** The engine's versions, and proof that it answers. */
export interface EngineVersion {
  readonly version: string;
  readonly apiVersion: string;
}

/**
 * Asks the engine who it is.
 *
 * @throws `unavailable` when none answers, with a text that says how to get one
 */
export async function engineVersion(engine: Engine, signal: AbortSignal): Promise<EngineVersion> {
  const request = { method: "GET", path: "/version", signal, timeoutMs: 5_000 } as const;
  const { Version: version, ApiVersion: apiVersion } = await callJson(engine, request, Version);
  return { version, apiVersion };
}

const Info = z.object({ NCPU: z.number(), DockerRootDir: z.string() });

/** The size of the machine that the engine runs on, and the folder with its images and caches there. */
export async function engineCapacity(
  engine: Engine,
  signal: AbortSignal,
): Promise<{ readonly cpus: number; readonly dataFolder: string }> {
  const { NCPU: cpus, DockerRootDir: dataFolder } = await callJson(engine, {
    method: "GET",
    path: "/info",
    signal,
  }, Info);
  return { cpus, dataFolder };
}

/** The newest API version that both sides know. */
export function chooseVersion(engineNewest: string): string {
  const [major = 0, minor = 0] = engineNewest.split(".").map(Number);
  const older = (a: readonly [number, number], b: readonly [number, number]) =>
    a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
  if (older([major, minor], API_OLDEST)) {
    throw publicFault(
      "failed_precondition",
      `This Docker Engine is too old: it speaks API ${engineNewest}, and ${
        API_OLDEST.join(".")
      } (Docker 20.10) is needed. Upgrade Docker.`,
    );
  }
  return (older(API_NEWEST, [major, minor]) ? API_NEWEST : [major, minor]).join(".");
}

/** Turns an error answer into a fault; reads its body. */
async function failure(response: Response, request: EngineRequest): Promise<Fault> {
  const text = await response.text();
  const parsed = Problem.safeParse(parseJson(text, request, true));
  const said = parsed.success ? parsed.data.message : text.slice(0, 500);
  const message = `Docker answered ${label(request)} with ${response.status}: ${said}`;
  return new Fault(codeOf(response.status), message, { publicMessage: `Docker: ${said}` });
}

function codeOf(status: number): "not_found" | "already_exists" | "invalid_argument" | "unavailable" {
  if (status === 404) return "not_found";
  if (status === 409) return "already_exists";
  return status >= 500 ? "unavailable" : "invalid_argument";
}

function parseJson(text: string, request: EngineRequest, lenient = false): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (lenient) return undefined;
    throw new Fault("internal", `Docker answered ${label(request)} with what is not JSON`, { cause: error });
  }
}

function label(request: EngineRequest): string {
  return `${request.method} ${request.path}`;
}

function lateFault(request: EngineRequest, timeoutMs: number): Fault {
  return new Fault("deadline_exceeded", `Docker did not answer ${label(request)} within ${timeoutMs} ms`, {
    publicMessage: `Docker did not answer within ${Math.ceil(timeoutMs / 1000)} s: is it overloaded?`,
  });
}

function unreachable(host: string, cause: unknown): Fault {
  const publicMessage = `The Docker Engine does not answer at ${host}. Install it ` +
    `("apt install docker.io" on Debian and Ubuntu, https://docs.docker.com/engine/install elsewhere), start it ` +
    `("systemctl start docker"), and make sure that this user may use its socket; DOCKER_HOST names another one.`;
  return new Fault("unavailable", `cannot reach the Docker Engine at ${host}`, { publicMessage, cause });
}

function encode(body: unknown): { body?: BodyInit; type: string } {
  if (body === undefined) return { type: "" };
  if (body instanceof Uint8Array) {
    return { body: new Uint8Array(body), type: "application/x-tar" };
  }
  return { body: JSON.stringify(body), type: "application/json" };
}
