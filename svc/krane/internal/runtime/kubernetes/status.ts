import { failingText, type HealthCheck, unsettledMs } from "../../deployment/health_check.ts";
import type { Instance, InstanceEnd } from "../port.ts";
import { type ContainerStatus, mebibytes, millicores, type Pod, type Terminated } from "./objects.ts";
import { platformAdvice } from "./image_platform.ts";
import { imageUserText } from "./image_user.ts";
import { initTrouble, sidecarText, sidecarTrouble } from "./other_containers.ts";
import { pullTrouble } from "./pull_trouble.ts";
import { CONTAINER } from "./replica_set.ts";

/** A pod at one time, and the settings of its app. */
export interface PodFacts {
  readonly pod: Pod;
  readonly port: number;
  readonly healthCheck: HealthCheck;
  /** The last lines of its last run, when that has ended. */
  readonly lastLines: readonly string[];
  readonly nowMs: number;
  /** No other pod of the deployment answers. */
  readonly isLast: boolean;
  /** Of its node, as in `linux/amd64`; absent where it is not known. */
  readonly platform?: string | undefined;
  /** The bad answer to the health check of a pod that is still ready. */
  readonly failing?: string | undefined;
  /** Its last bad answer. */
  readonly answered?: string | undefined;
}

/** The instance to report for a pod, and when to derive it again without a change. */
export interface PodReport {
  readonly instance: Instance;
  readonly againMs?: number;
  /** The node's words about an image that it cannot pull, for the log only: they repeat the registry's answer. */
  readonly pullError?: string;
}

/** An app that does not answer for so long after its start is reported as not listening. */
const NOT_LISTENING_MS = 3_000;

/** The end that matters: the present one, or the one before a restart. */
export function lastEnd(pod: Pod): { readonly end: Terminated; readonly previous: boolean } | undefined {
  const status = appStatus(pod);
  if (status?.state.terminated !== undefined) return { end: status.state.terminated, previous: false };
  const end = status?.lastState.terminated;
  return end === undefined ? undefined : { end, previous: true };
}

/** True if the pod serves now by Kubernetes' own status; a missing field counts as false. */
export function isRunning(pod: Pod): boolean {
  return !isTerminating(pod) && pod.status.phase === "Running" && pod.status.podIP !== "" &&
    conditionOf(pod, "Ready")?.status === "True" && appStatus(pod)?.state.running !== undefined;
}

/** The app was ready in this run, and does not answer now. */
export function isUnhealthy(pod: Pod): boolean {
  return appStatus(pod)?.ready !== true && lostReadiness(pod);
}

/** The kubelet took the pod's readiness after the app's run had begun. */
function lostReadiness(pod: Pod): boolean {
  const [app, ready] = [appStatus(pod), conditionOf(pod, "Ready")];
  const isThere = !isTerminating(pod) && pod.status.phase === "Running" && pod.status.podIP !== "";
  if (!isThere || app?.state.running === undefined || app.started !== true || ready?.status !== "False") {
    return false;
  }
  return Date.parse(ready.lastTransitionTime ?? "") > Date.parse(app.state.running.startedAt) &&
    nodeProblem(pod) === undefined;
}

export function isTerminating(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined;
}

/** A pod that never runs again; its ReplicaSet makes another one. */
export function isFinished(pod: Pod): boolean {
  return pod.status.phase === "Failed" || pod.status.phase === "Succeeded";
}

/** A pod whose node is making its container, or has yet to begin; not one that waits for something to be mended. */
export function isBeingStarted(pod: Pod): boolean {
  if (pod.spec.nodeName === "" || pod.status.phase !== "Pending" || isTerminating(pod)) return false;
  const state = appStatus(pod)?.state;
  return state === undefined || state.waiting?.reason === "ContainerCreating";
}

/** The status of the app's container, once the kubelet has reported it. */
export function appStatus(pod: Pod): ContainerStatus | undefined {
  return pod.status.containerStatuses.find((each) => each.name === CONTAINER);
}

/** Kubernetes starts an app that has ended again and again after up to 5 min; a new pod starts at once. */
const RESTART_WAIT_MS_MAX = 30_000;

/** The time for which a pod that has ended may still wait for its restart; `undefined`: it does not wait. */
export function restartDueMs(pod: Pod, nowMs: number): number | undefined {
  const app = appStatus(pod);
  if (isTerminating(pod) || app?.state.waiting?.reason !== "CrashLoopBackOff") return undefined;
  const endedAtMs = Date.parse(app.lastState.terminated?.finishedAt ?? "");
  return Number.isNaN(endedAtMs) ? undefined : Math.max(0, endedAtMs + RESTART_WAIT_MS_MAX - nowMs);
}

/** The report of a pod that is not terminating. */
export function derivePod(facts: PodFacts): PodReport {
  const { pod, port } = facts;
  const app = appStatus(pod);
  const end = endOf(pod, facts.nowMs);
  const base = { ...baseOf(pod, app), ...(end === undefined ? {} : { lastEnd: end }) };
  const address = `${hostOf(pod.status.podIP)}:${port}`;
  if (isRunning(pod)) return deriveRunning(facts, { ...base, address });
  if (isFinished(pod)) return { instance: { ...base, ...finished(facts) } };
  const lost = nodeProblem(pod);
  if (lost !== undefined) return { instance: { ...base, ...pending("node_not_ready", lost) } };
  if (app === undefined) return { instance: { ...base, ...unplaced(pod) } };
  const { waiting, terminated, running } = app.state;
  const init = initTrouble(pod);
  if (running === undefined && terminated === undefined && init !== undefined) {
    return { instance: { ...base, ...pending("sidecar", sidecarText("The app waits", init)) } };
  }
  if (waiting !== undefined) return deriveWaiting(facts, app, base);
  if (terminated !== undefined) return { instance: { ...base, ...ended(facts, app, terminated) } };
  if (running !== undefined && app.ready) return { instance: { ...base, ...heldUp(facts, address) } };
  if (running !== undefined && isUnhealthy(pod)) {
    const trouble = { reason: "unhealthy", message: unansweredText(facts), lastLogLines: facts.lastLines };
    const place = facts.isLast ? { status: "running", address } as const : { status: "pending" } as const;
    return { instance: { ...base, ...trouble, ...place } };
  }
  if (running !== undefined) return deriveStarting(facts, app, base);
  return { instance: { ...base, ...pending("creating", "The container is being created.") } };
}

type Base = Pick<
  Instance,
  "name" | "address" | "cpuMillicores" | "memoryMib" | "restarts" | "lastLogLines" | "lastEnd"
>;
type State = Pick<Instance, "status" | "reason" | "message"> & Partial<Instance>;

const RUNNING = { status: "running", reason: "", message: "" } as const;

function baseOf(pod: Pod, app: ContainerStatus | undefined): Base {
  const limits = pod.spec.containers.find((each) => each.name === CONTAINER)?.resources.limits ?? {};
  return {
    name: pod.metadata.name,
    address: "",
    cpuMillicores: millicores(limits["cpu"]),
    memoryMib: mebibytes(limits["memory"]),
    restarts: app?.restartCount ?? 0,
    lastLogLines: [],
  };
}

function pending(reason: string, message: string): State {
  return { status: "pending", reason, message };
}

function failed(reason: string, message: string, more: Partial<Instance> = {}): State {
  return { status: "failed", reason, message, ...more };
}

/** IPv6 addresses are written in brackets when a port follows. */
function hostOf(ip: string): string {
  return ip.includes(":") ? `[${ip}]` : ip;
}

function conditionOf(pod: Pod, type: string): Pod["status"]["conditions"][number] | undefined {
  return pod.status.conditions.find((each) => each.type === type);
}

/** Another program, such as a load balancer's, has not yet said that the pod may be ready. */
const GATES_NOT_READY = "ReadinessGatesNotReady";

/**
 * A lost node keeps the last status of its pods: only `Ready` is taken from them, by the control plane. A kubelet
 * would never say that a pod is not ready while its containers are.
 */
function nodeProblem(pod: Pod): string | undefined {
  const ready = conditionOf(pod, "Ready")?.status;
  const isLost = (pod.status.phase === "Unknown" && pod.spec.nodeName !== "") || ready === "Unknown" ||
    (ready === "False" && conditionOf(pod, "ContainersReady")?.status === "True" &&
      conditionOf(pod, "Ready")?.reason !== GATES_NOT_READY);
  return isLost ? `The node "${pod.spec.nodeName}" does not answer.` : undefined;
}

function unplaced(pod: Pod): State {
  const scheduled = conditionOf(pod, "PodScheduled");
  if (scheduled?.status === "False" && scheduled.reason === "Unschedulable") {
    return pending(
      "unschedulable",
      `No machine of the region has room for it: ${scheduled.message} It starts by itself as soon as there is room: ` +
        "make it smaller (unkey deploy --memory, --cpu), or the region's operator adds machines.",
    );
  }
  return pending("creating", "The container is being created.");
}

const EVICTED_FOR_DISK = /ephemeral.{0,300}(exceeds|limit)|low on resource: ephemeral-storage/;
const DISK_ADVICE =
  " Files that the app writes count; it must write less, or the region's operator raises the agent's " +
  "--ephemeral-storage-mib-default.";

/** Evicted, refused by its node, or ended with it. */
function finished({ pod }: PodFacts): State {
  const { message, phase, reason } = pod.status;
  const end = lastEnd(pod)?.end;
  const code = reason === "" ? "ended" : reason.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toLowerCase();
  const text = message === ""
    ? `The pod ended as ${phase}.`
    : `The pod ended (${reason}): ${message}`.trimEnd() +
      (EVICTED_FOR_DISK.test(message) ? DISK_ADVICE : "");
  return failed(code, text, end === undefined ? {} : { exitCode: end.exitCode });
}

/** Reasons of containers that never became a process. */
export const START_REFUSED: ReadonlySet<string> = new Set([
  "CreateContainerConfigError",
  "CreateContainerError",
  "RunContainerError",
  "PreCreateHookError",
  "StartError",
]);

function deriveWaiting(facts: PodFacts, app: ContainerStatus, base: Base): PodReport {
  const { reason, message } = app.state.waiting ?? { reason: "", message: "" };
  const pull = pullTrouble(facts.pod, { reason, message }, facts.nowMs);
  if (pull !== undefined) {
    const { isFinal, text, error: pullError, leftMs: againMs } = pull;
    const state = isFinal ? failed("image_pull", text) : pending("image_pulling", text);
    return { instance: { ...base, ...state }, ...(isFinal ? {} : { againMs }), pullError };
  }
  if (START_REFUSED.has(reason)) {
    return { instance: { ...base, ...refused(message) } };
  }
  const end = lastEnd(facts.pod);
  if (end !== undefined) return { instance: { ...base, ...ended(facts, app, end.end) } };
  return { instance: { ...base, ...pending("creating", "The container is being created.") } };
}

/** The image or the command is wrong in a way that no repetition mends: as final as a crash loop. */
function refused(message: string): State {
  return failed("crash_loop", imageUserText(message) ?? `The container cannot be started: ${message}`);
}

/** The app is ready, and its pod is not. */
function heldUp({ isLast, pod }: PodFacts, address: string): State {
  const trouble = sidecarTrouble(pod);
  const message = trouble === undefined
    ? `The app is ready, but its pod is not: ${
      conditionOf(pod, "Ready")?.message || "Kubernetes gives no reason"
    }.`
    : sidecarText("The app itself is ready, but its pod is not", trouble);
  const state = pending("sidecar", message);
  return isLast && lostReadiness(pod) ? { ...state, status: "running", address } : state;
}

/** Ready. Without a health check Kubernetes says so of each run from its first moment on. */
function deriveRunning(facts: PodFacts, base: Base): PodReport {
  const { pod, healthCheck, nowMs, failing } = facts;
  if (failing !== undefined) return { instance: { ...base, ...failingState(facts, failing) } };
  const app = appStatus(pod);
  const startedAtMs = Date.parse(app?.state.running?.startedAt ?? "");
  const waitMs = healthCheck.kind === "none" && app !== undefined && !Number.isNaN(startedAtMs)
    ? unsettledMs(healthCheck, startedAtMs, nowMs)
    : 0;
  if (waitMs === 0 || app === undefined) return { instance: { ...base, ...RUNNING } };
  const end = loopingEnd(app);
  const state = end === undefined ? pending("starting", "The app is starting.") : ended(facts, app, end);
  return { instance: { ...base, ...state, address: "" }, againMs: waitMs };
}

/** It keeps its address: the node has not taken its readiness. */
function failingState({ healthCheck, lastLines, port }: PodFacts, detail: string): State {
  const message = `The app runs, but ${failingText(healthCheck, port, detail)}.`;
  return { status: "running", reason: "unhealthy", message, lastLogLines: lastLines };
}

/** Between two ends of a crash loop the app runs for a moment, which is not reported. */
function loopingEnd(app: ContainerStatus): Terminated | undefined {
  const last = app.lastState.terminated;
  return last !== undefined && (app.restartCount >= CRASHES_MIN || last.reason === OOM) ? last : undefined;
}

/** It runs, but does not answer yet. */
function deriveStarting(facts: PodFacts, app: ContainerStatus, base: Base): PodReport {
  const { nowMs } = facts;
  const last = loopingEnd(app);
  if (last !== undefined) return { instance: { ...base, ...ended(facts, app, last) } };
  const startedAt = Date.parse(app.state.running?.startedAt ?? "") || nowMs;
  const waitMs = startedAt + NOT_LISTENING_MS - nowMs;
  if (waitMs > 0) {
    return { instance: { ...base, ...pending("starting", "The app is starting.") }, againMs: waitMs };
  }
  const beside = sidecarTrouble(facts.pod);
  const perhaps = beside === undefined
    ? ""
    : ` Perhaps because of the container "${beside.name}" beside it, which ${beside.problem}.`;
  const state = pending("not_listening", unansweredText(facts) + perhaps);
  return { instance: { ...base, ...state, lastLogLines: facts.lastLines } };
}

function unansweredText({ answered, healthCheck, port }: PodFacts): string {
  const text = `The app runs, but ${failingText(healthCheck, port, answered)}.`;
  if (healthCheck.kind !== "port") return text;
  return `${text} It must listen on 0.0.0.0:${port}; the variable PORT holds the port.`;
}

/** From so many ends on without an answer in between, an app is in a crash loop. */
const CRASHES_MIN = 2;
const OOM = "OOMKilled";

function ended(
  facts: Pick<PodFacts, "pod" | "lastLines" | "platform">,
  app: ContainerStatus,
  end: Terminated,
): State {
  // A command that does not exist ends like an app would; only the reason differs.
  const advice = platformAdvice(facts.platform, [end.message, ...facts.lastLines]);
  if (START_REFUSED.has(end.reason) || end.reason === "ContainerCannotRun") {
    return refused(end.message + advice);
  }
  const ends = app.restartCount + (app.state.running === undefined ? 1 : 0);
  const looping = app.state.waiting?.reason === "CrashLoopBackOff" || ends >= CRASHES_MIN;
  const times = ends > 1 ? ` ${ends} times` : "";
  const text = end.reason === OOM
    ? `The app was killed${times} because it used more than its ${
      baseOf(facts.pod, app).memoryMib
    } MiB of memory.`
    : `The app ended${times} ${exitText(end.exitCode)}${advice}`;
  const reason = end.reason === OOM ? "oom_killed" : looping ? "crash_loop" : "exited";
  return failed(reason, text, { exitCode: end.exitCode, lastLogLines: facts.lastLines });
}

/** The end of the run before; the kubelet keeps one. */
export function endOf(pod: Pod, nowMs: number): InstanceEnd | undefined {
  const [app, end] = [appStatus(pod), lastEnd(pod)?.end];
  if (app === undefined || end === undefined) return undefined;
  const { reason, message } = ended({ pod, lastLines: [] }, { ...app, restartCount: 0, state: {} }, end);
  const atMs = Date.parse(end.finishedAt ?? "") || nowMs;
  return { reason, message, exitCode: end.exitCode, atMs };
}

function exitText(exitCode: number): string {
  if (exitCode === 0) return "by itself with exit code 0: it must keep running.";
  if (exitCode > 128 && exitCode < 160) return `with exit code ${exitCode} (signal ${exitCode - 128}).`;
  return `with exit code ${exitCode}.`;
}
