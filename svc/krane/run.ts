import type { Clock } from "../../pkg/clock/mod.ts";
import { describeError } from "../../pkg/fault/mod.ts";
import type { Logger } from "../../pkg/logger/mod.ts";
import { type Metrics, NO_METRICS } from "../../pkg/metrics/mod.ts";
import { type RpcServer, serveRpc } from "../../pkg/rpc/mod.ts";
import { Runner } from "../../pkg/runner/mod.ts";
import { openClientTls, openServerTls, type TlsServer, warnOfPlain } from "../../pkg/tls/mod.ts";
import { newId } from "../../pkg/uid/mod.ts";
import type { ApplyDeployment } from "../../proto/gen/ctrl/v1/cluster_pb.ts";
import { fieldName } from "../../pkg/config/mod.ts";
import { KRANE_FIELDS, type KraneConfig } from "./config.ts";
import { connectControlPlane, type ControlPlane } from "./control_plane.ts";
import { type Actor, Controller } from "./internal/control/controller.ts";
import { Reporter } from "./internal/control/reporter.ts";
import { DEPLOYMENTS, type DesiredDeployment } from "./internal/deployment/desired.ts";
import { deploymentReport, mustSendNow } from "./internal/deployment/report.ts";
import { StartTimes } from "./internal/deployment/start_times.ts";
import { LogShipper } from "./internal/logs/shipper.ts";
import type { Instance, Runtime } from "./internal/runtime/port.ts";
import { Acknowledger } from "./internal/watch/acknowledger.ts";
import { AgentFiles } from "./internal/watch/agent_files.ts";
import { digestDesired } from "./internal/watch/state_file.ts";
import { reportUsage } from "./internal/usage/reporter.ts";
import { createWatcher, type Watcher } from "./internal/watch/watcher.ts";
import { countInstances, meteredActor, meterReports, watchController, watchOutput } from "./metrics.ts";
import { type OpenedRuntime, openRuntime } from "./runtimes.ts";
import { buildSentinelAgent, type SentinelAgent } from "./sentinels.ts";

export interface KraneProcess {
  readonly log: Logger;
  readonly clock: Clock;
  /** Ends the agent; its containers go on running. */
  readonly signal: AbortSignal;
  /**
   * Called when the agent has started, or stands by until another one of its region is gone. The control plane need not
   * answer yet.
   */
  readonly onReady?: (info: { port: number }) => void;
  /** Instead of the configured one, for tests. */
  readonly runtime?: Runtime;
  readonly metrics?: Metrics;
}

const SAVE_MS = 500;
/** A cluster takes many writes at a time; later writes would compete with starting pods for its processors. */
const CLUSTER_APPLIES_MAX = 64;
const MESSAGE_BYTES_MAX = 2 * 1024 * 1024;

/**
 * Runs the agent of one region until the signal aborts.
 *
 * @throws `unavailable` when the container runtime does not answer, `failed_precondition` when the port is taken
 */
export async function runKrane(config: KraneConfig, process: KraneProcess): Promise<void> {
  const runner = new Runner({ log: process.log, clock: process.clock });
  try {
    const agent = await buildAgent(config, process, runner);
    const tls = await openServerTls(config, process);
    if (tls !== undefined) runner.go("certificate files", (abort) => tls.follow(abort));
    const server = await serve(config, process, { agent, tls });
    runner.defer("server", () => server.shutdown());
    runner.go("port", (abort) => server.run(abort));
    const { leadership } = agent.opened;
    let isAnnounced = false;
    const announce = (): void => {
      if (!isAnnounced) process.onReady?.({ port: server.port });
      isAnnounced = true;
    };
    await leadership?.begin(runner, announce, process.signal);
    const recovered = await startAgent(agent, process, runner);
    const { agentId, watcher } = agent;
    const { region } = config;
    process.log.info("agent started", {
      region,
      agent_id: agentId,
      runtime: config.runtime,
      runtime_version: agent.opened.version,
      recovered,
      cursor: watcher.cursor,
    });
    announce();
  } catch (error) {
    await runner.shutdown();
    // An agent on standby is stopped while it waits.
    if (process.signal.aborted) return;
    throw error;
  }
  await runner.wait(process.signal);
}

interface Agent {
  readonly agentId: string;
  readonly files: AgentFiles;
  readonly opened: OpenedRuntime;
  readonly controller: Controller<DesiredDeployment, readonly Instance[]>;
  readonly reporter: Reporter<readonly Instance[]>;
  readonly shipper: LogShipper;
  readonly acknowledger: Acknowledger;
  /** Absent where the runtime has none. */
  readonly sentinels: SentinelAgent | undefined;
  readonly watcher: Watcher<ApplyDeployment>;
  readonly plane: ControlPlane;
}

async function buildAgent(
  config: KraneConfig,
  { log, clock, signal, runtime: given, metrics = NO_METRICS }: KraneProcess,
  runner: Runner,
): Promise<Agent> {
  const agentId = newId("agent", clock.now());
  const files = await AgentFiles.open(config.stateDir);
  const base = { clock, log };
  warnOfPlain(log, { [fieldName(KRANE_FIELDS.controlPlaneUrl)]: config.controlPlaneUrl });
  const trust = await openClientTls(config, base);
  runner.defer("trust", () => trust.close());
  runner.go("authority files", (abort) => trust.follow(abort));
  const plane: ControlPlane = connectControlPlane(config, { agentId, request: trust.fetch, log });
  const shipper = new LogShipper({ ...base, send: plane.shipLogs, shipped: files.positions });
  const times = new StartTimes(clock);
  const opened: OpenedRuntime = given === undefined
    ? await openRuntime(config, { ...base, sink: shipper, times, signal, metrics })
    : { runtime: given, version: "given", close: () => undefined };
  const { leadership, runtime } = opened;
  runner.defer("runtime client", () => opened.close());
  runner.defer("lease", () => leadership?.end());
  const reports = meterReports(metrics, "deployment");
  const reporter = new Reporter<readonly Instance[]>({
    ...base,
    send: (report, abort) =>
      reports(() =>
        times.sent(
          report.name,
          (spans) => plane.report(deploymentReport(report, { spans, sentAtMs: clock.now() }), abort),
        )
      ),
    mustSendNow,
    generationFloor: files.state.generation,
  });
  runner.defer("reporter", () => reporter.close());
  const controller = new Controller({
    ...base,
    actor: meteredActor(countInstances(actorOf(runtime, times), metrics), metrics),
    reporter,
    drainMs: config.drainMs,
    alwaysReport: true,
    ...(config.runtime === "kubernetes" ? { appliesMax: CLUSTER_APPLIES_MAX } : {}),
  });
  runner.defer("controller", () => controller.close());
  watchController(controller, "deployment", metrics);
  watchOutput(shipper, metrics);
  const sentinels = opened.sentinels && buildSentinelAgent({
    ...base,
    metrics,
    runtime: opened.sentinels,
    plane,
    acknowledge: (result) => acknowledger.add(result),
    generationFloor: files.state.generation,
  }, runner);
  const watcher = createWatcher<ApplyDeployment, DesiredDeployment>({
    ...base,
    metrics,
    kind: DEPLOYMENTS,
    open: plane.watch,
    controller,
    acknowledge: (result) => acknowledger.add(result),
    managed: async (abort) =>
      (await runtime.managed(abort)).map(({ name, deploymentId }) => ({ name, resourceId: deploymentId })),
    onConnected: () => reporter.resend(),
  });
  const acknowledger = new Acknowledger({
    ...base,
    send: plane.acknowledge,
    watches: sentinels === undefined ? [watcher] : [watcher, sentinels.watcher],
    agentId,
  });
  return {
    agentId,
    files,
    opened,
    controller,
    reporter,
    shipper,
    acknowledger,
    sentinels,
    watcher,
    plane,
  };
}

/** A runtime, as the controller of deployments uses it. */
function actorOf(runtime: Runtime, times: StartTimes): Actor<DesiredDeployment, readonly Instance[]> {
  return {
    noun: "deployment",
    async reconcile(desired, signal) {
      times.applied(desired.name);
      const { instances, ...rest } = await runtime.reconcile(desired, signal);
      return { content: instances, ...rest };
    },
    async remove(name, signal, limit) {
      await runtime.remove(name, signal, limit);
      times.forget(name);
    },
  };
}

/** Recovers running deployments, then starts all tasks. Returns the number of recovered deployments. */
async function startAgent(agent: Agent, process: KraneProcess, runner: Runner): Promise<number> {
  const { controller, files, watcher, opened: { runtime } } = agent;
  const recovered = await runtime.recover(process.signal);
  // The cursor is valid only when all of its desired states were recovered; otherwise a snapshot follows.
  if (digestDesired(recovered) === files.state.desiredDigest) watcher.resume(files.state.cursor);
  for (const desired of recovered) controller.apply(desired, () => undefined);
  runner.go("runtime", (abort) => runtime.watch((name) => controller.changed(name), abort));
  runner.go("logs", (abort) => agent.shipper.run(abort));
  runner.go("acknowledge", (abort) => agent.acknowledger.run(abort));
  runner.go("watch", (abort) => watcher.run(abort));
  const usage = {
    runtime,
    desired: () => controller.desired(),
    instancesOf: (name: string) => agent.reporter.content(name) ?? [],
    send: agent.plane.reportUsage,
    clock: process.clock,
    log: process.log,
  };
  runner.go("usage", (abort) => reportUsage(usage, abort));
  agent.sentinels?.start(runner);
  runner.go("state", (abort) => saveRegularly(agent, process, abort));
  return recovered.length;
}

function serve(
  config: KraneConfig,
  { log, clock, metrics }: KraneProcess,
  { agent, tls }: { readonly agent: Agent; readonly tls: TlsServer | undefined },
): Promise<RpcServer> {
  return serveRpc({
    hostname: config.httpHost,
    port: config.httpPort,
    portSetting: "--http-port (UNKEY_HTTP_PORT)",
    log,
    clock,
    metrics,
    tls,
    limits: { messageBytesMax: MESSAGE_BYTES_MAX, bodyBytesWaitingMax: 8 * MESSAGE_BYTES_MAX },
    mount: (router) => agent.opened.mount?.(router, (name) => agent.controller.find(name)),
    // A standby must count as ready, or a rolling update would wait for it while it waits for the agent before it.
    ready: () => Promise.resolve(agent.opened.leadership?.isStandby === true || agent.watcher.isConnected),
  });
}

/** Saves changes at an interval, and once more at the end. */
async function saveRegularly(agent: Agent, { clock, log }: KraneProcess, signal: AbortSignal): Promise<void> {
  const { controller, files, reporter, sentinels, shipper, watcher } = agent;
  let failing = false;
  let [digest, revision] = ["", -1];
  for (let last = false; !last;) {
    last = signal.aborted;
    if (controller.revision !== revision) {
      digest = digestDesired(controller.desired());
      revision = controller.revision;
    }
    const { cursor } = watcher;
    try {
      const generation = Math.max(reporter.generation, sentinels?.reporter.generation ?? 0);
      await files.save({ cursor, generation, desiredDigest: digest }, shipper.shipped());
      failing = false;
    } catch (error) {
      // A full disk must not stop the agent: after a restart it knows less and asks for a snapshot.
      if (!failing) log.error("state cannot be saved", { error: describeError(error) });
      failing = true;
    }
    await clock.sleep(SAVE_MS, signal).catch(() => undefined);
  }
}
