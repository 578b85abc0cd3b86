/** An edge with a protected route, its app as raw sockets, and a control plane that knows one password. */
import { createClient, createRouterTransport } from "@connectrpc/connect";
import { Buffer } from "node:buffer";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { LIMITS, type TlsOptions } from "../../../../pkg/proxy/mod.ts";
import { type App, Wire } from "../../../../pkg/proxy/testing_wire.ts";
import { FrontlineService } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { Edge } from "../edge.ts";

export const HOST = "preview.test";
export const OPEN_HOST = "open.test";
export const KEY = new Uint8Array(32).fill(1);
export const PASSWORD = "correct horse & battery";
export const NOW_MS = 1_800_000_000_000;
export const ENDS = NOW_MS / 1_000 + 3_600;
export const SCOPE = { kind: "environment", id: "env_1" } as const;

export interface ProtectedEdge extends AsyncDisposable {
  readonly edge: Edge;
  readonly port: number;
  readonly securePort: number;
  /** Moves the edge's clock. */
  readonly pass: (ms: number) => void;
  /** The passwords that the control plane was asked about. */
  readonly asked: readonly string[];
  /** Sends a request and reads the whole answer, its head in `head`. */
  ask(request: string): Promise<{ status: number; head: string; body: string }>;
}

/** Starts it. `app` gets the requests of both hosts. */
export async function startProtectedEdge(
  app: Pick<App, "port">,
  { check, tls, trusts = () => false }: {
    readonly check?: (password: string) => boolean | Promise<boolean>;
    readonly tls?: TlsOptions;
    readonly trusts?: (address: string) => boolean;
  } = {},
): Promise<ProtectedEdge> {
  let nowMs = NOW_MS;
  const clock = { ...systemClock(), now: () => nowMs };
  const asked: string[] = [];
  const transport = createRouterTransport(({ rpc }) => {
    rpc(FrontlineService.method.checkPassword, async ({ password }) => {
      asked.push(password);
      return { right: await (check ?? ((given: string) => given === PASSWORD))(password) };
    });
  });
  const edge = new Edge({
    clock,
    log: silentLogger(),
    region: "here",
    limits: { ...LIMITS, lingerMsMax: 100 },
    trusts,
    namedDeployments: false,
    random: () => 0.5,
    passwords: createClient(FrontlineService, transport),
  });
  const endpoint = { instanceId: "i", address: `127.0.0.1:${app.port}`, region: "here" };
  const ids = { environmentId: "env_1", workspaceId: "ws_1", stopped: false, redirectHostname: "" };
  for (const [hostname, protection] of [[HOST, { key: KEY }], [OPEN_HOST, undefined]] as const) {
    const deploymentId = `d_${hostname}`;
    edge.table.apply({ kind: "apply_endpoints", deploymentId, endpoints: [endpoint], protocol: "" }, 0);
    const route = { ...ids, routeId: hostname, hostname, deploymentId, protection };
    edge.table.apply({ kind: "apply_route", route }, 0);
  }
  edge.ready = true;
  const at = { host: "127.0.0.1", port: 0, portSetting: "--http-port" };
  const port = await edge.proxy.listen(at);
  const securePort = tls === undefined ? 0 : await edge.proxy.listen({ ...at, tls });
  return {
    edge,
    port,
    securePort,
    pass: (ms) => void (nowMs += ms),
    asked,
    async ask(request) {
      using wire = await Wire.connect(port);
      await wire.send(request);
      return await readAnswer(wire, request.startsWith("HEAD "));
    },
    [Symbol.asyncDispose]: () => edge.proxy.close(0),
  };
}

export async function readAnswer(
  wire: Wire,
  isHead = false,
): Promise<{ status: number; head: string; body: string }> {
  const head = await wire.until("\r\n\r\n");
  const length = isHead ? 0 : Number(/\r\nContent-Length: (\d+)/i.exec(head)?.[1] ?? 0);
  return { status: Number(head.split(" ")[1]), head, body: await wire.exactly(length) };
}

/** A request for the protected host with these lines of its head. */
export function request(target: string, lines: readonly string[] = [], method = "GET"): string {
  const head = [`${method} ${target} HTTP/1.1`, `Host: ${HOST}`, ...lines];
  return `${head.join("\r\n")}\r\n\r\n`;
}

/** The form of the page, as a browser sends it. */
export function form(fields: Readonly<Record<string, string>>, lines: readonly string[] = []): string {
  const body = new URLSearchParams(fields).toString();
  const type = "Content-Type: application/x-www-form-urlencoded";
  const length = `Content-Length: ${Buffer.byteLength(body)}`;
  return request("/_unkey/access", ["Accept: text/html", type, length, ...lines], "POST") + body;
}

export function basic(password: string): string {
  return `Authorization: Basic ${Buffer.from(`any:${password}`).toString("base64")}`;
}

/** The value of a field of an answer's head. */
export function fieldOf(head: string, name: string): string | undefined {
  return new RegExp(`\r\n${name}: ([^\r]*)`, "i").exec(head)?.[1];
}
