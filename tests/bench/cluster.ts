/** Many deployments at once on a real Kubernetes: 50 with real pods, 200 and 500 on simulated nodes. */
// deno-lint-ignore-file no-console -- prints a table when run alone
import { namespaceOf } from "../../svc/krane/internal/runtime/kubernetes/labels.ts";
import { type Cluster, findCluster, kubectl, NO_CLUSTER } from "../testbed/cluster.ts";
import { simulateNodes } from "../testbed/simulated_nodes.ts";
import { eventually } from "../testbed/wait.ts";
import { type Bare, type BareKind, type BarePod, deployBare, plainPods, samePods } from "./bare_sets.ts";
import { type Bound, BOUNDS } from "./bounds.ts";
import { KraneProcess, note, removeNamespace, Seen } from "./cluster_bed.ts";
import { FeedBed } from "./feed_bed.ts";
import { peakMib, resetPeak } from "./memory.ts";
import { quantile, report, type Row } from "./row.ts";

const COUNTS = [50, 200, 500];
/** Up to so many run for real: a node takes 110 pods, and others may use it as well. */
const REAL_MAX = 50;
const PODS_PER_NODE = 100;
const PORT = 8_080;
const POD: BarePod = {
  image: "busybox:stable",
  command: ["busybox", "httpd", "-f", "-p", String(PORT), "-h", "/"],
  port: PORT,
  cpuMillicores: 100,
  memoryMib: 16,
};
const WARM_UP = 5;
const ALL_MS_MAX = 300_000;

/** Measures commit to applied, ready and reported. */
export async function benchCluster(counts: readonly number[] = COUNTS): Promise<Row[]> {
  const cluster = await findCluster();
  if (cluster === undefined) {
    const missing = { measure: "deployments at once", measured: NO_CLUSTER, ok: undefined };
    return [missing];
  }
  const rows: Row[] = [];
  for (const count of counts) rows.push(...await measure(cluster, count));
  return rows;
}

interface Times {
  /** Milliseconds from the commit to the last of all. */
  readonly appliedMs: number;
  readonly readyMs: number;
  /** Of each deployment, from ready to reported. */
  readonly lagsMs: readonly number[];
  readonly peakMib: number;
}

async function measure(cluster: Cluster, count: number): Promise<Row[]> {
  if (count > REAL_MAX) {
    console.error(`  ${count} deployments on simulated nodes`);
    await using nodes = await simulateNodes(cluster, Math.ceil(count / PODS_PER_NODE));
    const { nodeSelector, tolerations } = nodes.placement;
    const times = await deploy(cluster, count, {
      UNKEY_KRANE_NODE_SELECTOR: Object.entries(nodeSelector).map((pair) => pair.join("=")).join(","),
      UNKEY_KRANE_TOLERATIONS: tolerations.map(({ key }) => key).join(","),
    });
    return rowsOf(`${count} deployments, simulated nodes`, times);
  }
  const bare = async (what: string, kind: BareKind): Promise<Bare> => {
    console.error(`  ${count} bare ReplicaSets of ${what}`);
    return await deployBare(cluster, count, kind);
  };
  const plain = await bare("plain pods", plainPods(POD));
  const before = await bare("the same pods", samePods(POD));
  console.error(`  ${count} deployments`);
  const times = await deploy(cluster, count, { UNKEY_KRANE_TOLERATIONS: "none" });
  const after = await bare("the same pods", samePods(POD));
  return rowsOf(`${count} deployments, one node`, times, { plain, same: [before, after] });
}

/**
 * The cluster's own times. Pods that are probed become ready later than plain ones, and pods that are confined start
 * later: the bound is for the same pods. They are measured before and after, because a machine has its moods.
 */
interface Own {
  readonly plain: Bare;
  readonly same: readonly Bare[];
}

/** Only the deployments on the real node are bounded. */
function rowsOf(label: string, { appliedMs, readyMs, lagsMs, peakMib }: Times, own?: Own): Row[] {
  const isBounded = own !== undefined;
  const row = (measure: string, measured: string, bound: Bound, isMet: boolean): Row => ({
    measure: `${measure}, ${label}`,
    measured,
    ...(isBounded ? { bound, ok: isMet } : { ok: undefined }),
  });
  const [p50, most] = [quantile(lagsMs, 0.5), quantile(lagsMs, 1)];
  const ready = "commit -> all ready";
  return [
    row(
      "commit -> all applied",
      `${seconds(appliedMs)}; krane ${peakMib.toFixed(0)} MiB at its peak`,
      BOUNDS.appliedMs,
      appliedMs < BOUNDS.appliedMs.limit,
    ),
    ...(own === undefined
      ? [{ measure: `${ready}, ${label}`, measured: seconds(readyMs), ok: undefined }]
      : readyRows(`${ready}, ${label}`, readyMs, own)),
    row(
      "ready -> reported",
      `p50 ${p50.toFixed(0)} ms, max ${most.toFixed(0)} ms`,
      BOUNDS.reportedMs,
      most < BOUNDS.reportedMs.limit,
    ),
  ];
}

/** Beside the same pods, which is bounded, and beside plain ones, which shows the cost of probes and policies. */
function readyRows(measure: string, readyMs: number, { plain, same }: Own): Row[] {
  const times = same.map((each) => each.readyMs);
  const ratio = readyMs * times.length / times.reduce((sum, each) => sum + each, 0);
  return [{
    measure: `${measure}, beside the same pods`,
    bound: BOUNDS.readyRatio,
    measured: `${seconds(readyMs)}: ${ratio.toFixed(2)} x (bare: ${times.map(seconds).join(", ")})`,
    ok: ratio <= BOUNDS.readyRatio.limit,
  }, {
    measure: `${measure}, beside plain pods`,
    measured: `${seconds(readyMs)}: ${(readyMs / plain.readyMs).toFixed(2)} x (bare: ${
      seconds(plain.readyMs)
    })`,
    ok: undefined,
  }];
}

/** Places `count` deployments in one transaction, and takes all of them away again when they are reported. */
async function deploy(
  cluster: Cluster,
  count: number,
  env: Readonly<Record<string, string>>,
): Promise<Times> {
  await using bed = await FeedBed.start({
    image: POD.image,
    command: JSON.stringify(POD.command),
    cpu_millicores: POD.cpuMillicores,
    memory_mib: POD.memoryMib,
  }, { status: "ready" });
  const [at] = await bed.regions(1);
  if (at === undefined) throw new Error("no region");
  const names = await bed.names(await bed.deployments(count));
  const namespace = namespaceOf({ namespace: "", workspaceId: bed.workspaceId });
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => removeNamespace(cluster, namespace));
  await using krane = await KraneProcess.start(cluster, {
    UNKEY_CONTROL_PLANE_URL: bed.url,
    UNKEY_CONTROL_PLANE_BEARER: at.token,
    UNKEY_REGION: at.region,
    UNKEY_CONTROL_PLANE_ID: bed.workspaceId,
    ...env,
  });
  await warmUp(cluster, bed, { region: at.region, namespace });
  await using seen = await Seen.of(cluster, namespace);
  await resetPeak(krane.pid);
  const committedMs = await bed.place(at.region, [...names.keys()]);
  const reported = new Map<string, number>();
  await eventually(`${count} deployments to be reported`, async () => {
    // Asking all the time would take the time that pods need to start.
    if (reported.size < seen.ready.size) {
      for (const id of await bed.running(at.region)) note(reported, id);
    }
    return reported.size === count && seen.ready.size === count;
  }, { deadlineMs: ALL_MS_MAX, everyMs: 50 }).catch(async (error: unknown) => {
    const state = `${seen.sets.size} applied, ${seen.ready.size} ready, ${reported.size} reported`;
    throw new Error(`${state}; the end of krane's log:\n${await krane.logTail()}`, { cause: error });
  });
  return {
    appliedMs: Math.max(...seen.sets.values()) - committedMs,
    readyMs: Math.max(...seen.ready.values()) - committedMs,
    lagsMs: [...names].map(([id, name]) => Math.max(0, timeOf(reported, id) - timeOf(seen.ready, name))),
    peakMib: await peakMib(krane.pid),
  };
}

/** A few deployments that come and go: what is measured is not the first that the processes ever do. */
async function warmUp(
  cluster: Cluster,
  bed: FeedBed,
  { region, namespace }: { readonly region: string; readonly namespace: string },
): Promise<void> {
  const ids = await bed.deployments(WARM_UP);
  await bed.place(region, ids);
  const limits = { deadlineMs: ALL_MS_MAX, everyMs: 200 };
  await eventually("the first deployments to run", async () => {
    return (await bed.running(region)).length === ids.length;
  }, limits);
  await bed.stop(ids);
  await eventually("the first deployments to be gone", async () => {
    const left = await kubectl(cluster, [
      "get",
      "replicasets,pods",
      "--namespace",
      namespace,
      "--output",
      "name",
    ]);
    return left === "" && (await bed.running(region)).length === 0;
  }, limits);
}

function timeOf(times: ReadonlyMap<string, number>, key: string): number {
  const time = times.get(key);
  if (time === undefined) throw new Error(`${key} was never seen`);
  return time;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}

/** Alone: numbers of deployments, e.g. `50 200`. */
if (import.meta.main) {
  const counts = Deno.args.map(Number);
  report(await benchCluster(counts.length === 0 ? COUNTS : counts));
}
