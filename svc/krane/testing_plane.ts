/** A control plane whose streams are written by the test. */
import {
  type AcknowledgeRequest,
  ClusterService,
  type ReportDeploymentStatusRequest,
  type ReportDeploymentStatusRequest_Update_Instance as Instance,
  type ReportUsageRequest,
  type ShippedLogLine,
} from "../../proto/gen/ctrl/v1/cluster_pb.ts";
import { systemClock } from "../../pkg/clock/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { serveRpc } from "../../pkg/rpc/mod.ts";
import { heartbeat, snapshotEnd, type State, Status, until } from "./testing.ts";
import { SentinelFeed } from "./testing_sentinel.ts";

const HEARTBEAT_MS = 5_000;
const clock = systemClock();

/** One open stream, on which the test sends messages. */
export interface Script {
  readonly versionLastSeen: number;
  send(...states: State[]): void;
  end(): void;
}

/** A control plane whose messages the test sends, and which keeps the calls of the agent. */
export class FakePlane implements AsyncDisposable {
  readonly streams: Script[] = [];
  readonly reports: ReportDeploymentStatusRequest[] = [];
  readonly acknowledgements: AcknowledgeRequest[] = [];
  readonly lines: ShippedLogLine[] = [];
  readonly usages: ReportUsageRequest[] = [];
  /** Only agents whose runtime has sentinels watch it. */
  readonly sentinels = new SentinelFeed();
  /** While set, calls other than the stream are refused. */
  broken = false;
  /** A part of the answer to each report. */
  refusedAddresses: { k8sName: string; address: string; message: string }[] = [];
  #port = 0;
  #stop = (): Promise<void> => Promise.resolve();

  private constructor() {}

  static async start(port = 0): Promise<FakePlane> {
    const plane = new FakePlane();
    await plane.#listen(port);
    return plane;
  }

  async #listen(port: number): Promise<void> {
    const server = await serveRpc({
      hostname: "127.0.0.1",
      port,
      portSetting: "-",
      log: silentLogger(),
      clock,
      limits: { drainMsMax: 1_000 },
      mount: (router) =>
        router.service(ClusterService, {
          watchDeployments: (request, context) =>
            this.#stream(Number(request.versionLastSeen), context.signal),
          watchSentinels: (_request, context) => this.sentinels.stream(context.signal),
          reportSentinelStatus: (request) => this.#take(() => this.sentinels.reports.push(request)),
          reportDeploymentStatus: (request) => ({
            ...this.#take(() => this.reports.push(request)),
            refusedAddresses: this.refusedAddresses,
          }),
          acknowledge: (request) => this.#take(() => this.acknowledgements.push(request)),
          reportInstanceLogs: (request) => this.#take(() => this.lines.push(...request.lines)),
          reportUsage: (request) => this.#take(() => this.usages.push(request)),
        }),
    });
    this.#port = server.port;
    this.#stop = () => server.shutdown();
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The n-th stream that the agent opens, from 0. */
  async stream(index: number): Promise<Script> {
    return await until(`stream ${index}`, () => this.streams[index]);
  }

  /** Opens with a snapshot of `states` at `version`. */
  async snapshot(index: number, version: number, ...states: State[]): Promise<Script> {
    const stream = await this.stream(index);
    stream.send(...states, snapshotEnd(version, states.length));
    return stream;
  }

  /** The report of a deployment with the highest generation. */
  latest(name: string): ReportDeploymentStatusRequest["change"] | undefined {
    const own = this.reports.filter((each) => each.change.value?.k8sName === name);
    return own.toSorted((a, b) =>
      Number((b.change.value?.generation ?? 0n) - (a.change.value?.generation ?? 0n))
    )[0]
      ?.change;
  }

  /** The newest reported instances of a deployment; none after the report of its removal. */
  instances(name: string): readonly Instance[] {
    const change = this.latest(name);
    return change?.case === "update" ? change.value.instances : [];
  }

  /** The newest reported state of a task of a deployment. */
  task(name: string, task: string): Instance | undefined {
    const change = this.latest(name);
    const tasks = change?.case === "update" ? change.value.tasks : [];
    return tasks.find((each) => each.name === task)?.instance;
  }

  /** Waits until all of `count` instances have `status`, and returns them. */
  async settled(name: string, status: Status, count = 1): Promise<readonly Instance[]> {
    return await until(`${count} instances of ${name} to be ${Status[status]}`, () => {
      const instances = this.instances(name);
      return instances.length === count && instances.every((each) => each.status === status) && instances;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stream of this.streams) stream.end();
    await this.#stop();
  }

  /** Waits for `wake`. Returns true when a heartbeat is due before it. */
  async #heartbeatDue(wake: (resolve: () => void) => void): Promise<boolean> {
    const due = Promise.withResolvers<boolean>();
    wake(() => due.resolve(false));
    const timer = setTimeout(() => due.resolve(true), HEARTBEAT_MS);
    try {
      return await due.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  #take(take: () => void): Record<string, never> {
    if (this.broken) throw new Error("broken by the test");
    take();
    return {};
  }

  async *#stream(versionLastSeen: number, signal: AbortSignal): AsyncGenerator<State> {
    const queue: (State | "end")[] = [];
    let wake = (): void => undefined;
    const put = (...items: (State | "end")[]): void => {
      queue.push(...items);
      wake();
      for (const item of items) if (item !== "end") this.sentinels.reached(Number(item.version ?? 0n));
    };
    let version = versionLastSeen;
    this.streams.push({ versionLastSeen, send: put, end: () => put("end") });
    signal.addEventListener("abort", () => put("end"), { once: true });
    while (true) {
      const next = queue.shift();
      if (next === "end") return;
      if (next !== undefined) {
        version = Math.max(version, Number(next.version ?? 0n));
        yield next;
      } else if (await this.#heartbeatDue((resolve) => wake = resolve)) yield heartbeat(version);
    }
  }
}
