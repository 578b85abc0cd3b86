/** A control plane that feeds edges what a test tells it to. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { X509Certificate } from "node:crypto";
import { Code, ConnectError } from "@connectrpc/connect";
import { systemClock } from "../../pkg/clock/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { serveRpc } from "../../pkg/rpc/mod.ts";
import { AcmeService } from "../../proto/gen/ctrl/v1/acme_pb.ts";
import {
  FrontlineService,
  type Refusal,
  type RouteState,
  RouteStateSchema,
} from "../../proto/gen/ctrl/v1/frontline_pb.ts";

type State = MessageInitShape<typeof RouteStateSchema>["state"];

/** One open stream of an edge. */
export interface FeedStream {
  readonly cursor: bigint;
  send(version: number, state: State): void;
  /** Ends the stream, with an error if given. */
  end(error?: ConnectError): void;
  /** True when the edge has closed the stream. */
  readonly closed: () => boolean;
}

type Item = { readonly state: RouteState } | { readonly end: ConnectError | undefined };

/** Scripts `WatchRoutes` and remembers acknowledgements. */
export class Feed implements AsyncDisposable {
  readonly acknowledged: bigint[] = [];
  /** Deployments that edges have named as used. */
  readonly requested: string[] = [];
  readonly refusals: Refusal[] = [];
  readonly edgeIds = new Set<string>();
  readonly tokens = new Set<string>();
  /** Key authorizations by domain and token, with a blank between them. */
  readonly challenges = new Map<string, string>();
  /** Questions for challenges, in order. */
  readonly asked: string[] = [];
  #waiting: ((stream: FeedStream) => void)[] = [];
  #opened: FeedStream[] = [];
  #port = 0;
  #stop = (): Promise<void> => Promise.resolve();

  private constructor() {}

  /** Starts one that listens. */
  static async start(port = 0): Promise<Feed> {
    const feed = new Feed();
    await feed.#listen(port);
    return feed;
  }

  async #listen(port: number): Promise<void> {
    const server = await serveRpc({
      hostname: "127.0.0.1",
      port,
      portSetting: "none",
      log: silentLogger(),
      clock: systemClock(),
      mount: (router) => {
        router.service(FrontlineService, {
          watchRoutes: (request, context) => {
            this.edgeIds.add(request.edgeId);
            this.tokens.add(context.requestHeader.get("authorization") ?? "");
            return this.#open(request.versionLastSeen, context.signal);
          },
          reportRefusals: (request) => {
            this.refusals.push(...request.refusals);
            return {};
          },
          acknowledgeRoutes: (request) => {
            this.acknowledged.push(request.appliedVersion);
            this.requested.push(...request.requestedDeploymentIds);
            return {};
          },
        });
        router.service(AcmeService, {
          verifyCertificate: ({ domain, token }, context) => {
            this.tokens.add(context.requestHeader.get("authorization") ?? "");
            this.asked.push(`${domain} ${token}`);
            const authorization = this.challenges.get(`${domain} ${token}`);
            if (authorization === undefined) throw new ConnectError("no such challenge", Code.NotFound);
            return { authorization };
          },
        });
      },
      limits: { drainMsMax: 100 },
    });
    this.#port = server.port;
    this.#stop = () => server.shutdown();
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The next stream that an edge opens. */
  stream(): Promise<FeedStream> {
    const opened = this.#opened.shift();
    if (opened !== undefined) return Promise.resolve(opened);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
  }

  async *#open(cursor: bigint, signal: AbortSignal): AsyncGenerator<RouteState> {
    const items: Item[] = [];
    let wake = (): void => undefined;
    const push = (item: Item): void => {
      items.push(item);
      wake();
    };
    signal.addEventListener("abort", () => wake(), { once: true });
    const stream: FeedStream = {
      cursor,
      send: (version, state) =>
        push({
          state: create(RouteStateSchema, state === undefined ? {} : { version: BigInt(version), state }),
        }),
      end: (error) => push({ end: error }),
      closed: () => signal.aborted,
    };
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#opened.push(stream);
    else waiting(stream);
    while (!signal.aborted) {
      const item = items.shift();
      if (item === undefined) await new Promise<void>((resolve) => wake = resolve);
      else if ("state" in item) yield item.state;
      else if (item.end === undefined) return;
      else throw item.end;
    }
  }
}

/** An error as from a database that is away. */
export function outage(): ConnectError {
  return new ConnectError("the database is away", Code.Unavailable);
}

export function applyRoute(
  routeId: string,
  hostname: string,
  deploymentId: string,
  stopped = false,
  redirectHostname = "",
): State {
  return {
    case: "applyRoute",
    value: {
      routeId,
      hostname,
      deploymentId,
      environmentId: "env_1",
      workspaceId: "ws_1",
      stopped,
      redirectHostname,
    },
  };
}

export function applyEndpoints(deploymentId: string, ...ports: number[]): State {
  const endpoints = ports.map((port) => ({
    instanceId: `ins_${deploymentId}_${port}`,
    address: `127.0.0.1:${port}`,
    region: "local",
  }));
  return { case: "applyEndpoints", value: { deploymentId, endpoints } };
}

/** A certificate with its key, as files in PEM. */
export async function applyCertificate(
  certificateId: string,
  hostname: string,
  files: { readonly certificate: string; readonly privateKey: string },
): Promise<State> {
  const certificateChainPem = await Deno.readTextFile(files.certificate);
  const privateKeyPem = await Deno.readTextFile(files.privateKey);
  const notAfterMs = BigInt(Date.parse(new X509Certificate(certificateChainPem).validTo));
  return {
    case: "applyCertificate",
    value: { certificateId, hostname, certificateChainPem, privateKeyPem, notAfterMs },
  };
}

export const HEARTBEAT: State = { case: "heartbeat", value: {} };

export function snapshotEnd(resources: number): State {
  return { case: "snapshotEnd", value: { resources } };
}

/** A whole snapshot for the next edge that asks: the host `shop.localhost`, and one instance at a port of this machine. */
export async function feedShop(feed: Feed, port: number): Promise<void> {
  const stream = await feed.stream();
  const endpoints = [{ instanceId: "ins_1", address: `127.0.0.1:${port}`, region: "local" }];
  stream.send(0, { case: "applyEndpoints", value: { deploymentId: "d_1", endpoints } });
  const route = { environmentId: "env_1", workspaceId: "ws_1", routeId: "ir_1", deploymentId: "d_1" };
  stream.send(0, { case: "applyRoute", value: { ...route, hostname: "shop.localhost" } });
  stream.send(1, { case: "snapshotEnd", value: { resources: 2 } });
}
