/** The receipt of a switch as commands print it. */
import type { Client } from "@connectrpc/connect";
import type { Clock } from "../../pkg/clock/mod.ts";
import { backoffMs } from "../../pkg/retry/mod.ts";
import { isUnimplemented } from "../../pkg/rpc/mod.ts";
import type { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { ReceiptState, type TrafficSwitch } from "../../proto/gen/ctrl/v1/traffic_switch_pb.ts";
import { oneLine } from "./output.ts";

/** A switch with its receipt in the JSON of commands. Times are milliseconds. */
export interface ReceiptJson {
  readonly id: string;
  /** Absent from a control plane of an older release. */
  readonly project?: string;
  readonly environment: string;
  /** `deploy`, `promote` or `rollback`; `gradual` for a share of the requests, `abort` when such a share went back. */
  readonly cause: string;
  /** The share of the requests that `to` got; absent: all. */
  readonly percent?: number;
  /** The gradual switch that it is a part of. */
  readonly gradualSwitch?: string;
  /** Absent when nothing was live. */
  readonly from?: string;
  readonly to: string;
  /** The commit of the routes. */
  readonly committedAt: number;
  /** `waiting` and `counting` are not final; `complete`, `incomplete` and `superseded` are. */
  readonly state: string;
  /** From the commit to the last acknowledgement so far. */
  readonly tookMs: number;
  readonly edges: readonly {
    readonly id: string;
    readonly region?: string;
    /** Absent: it has not followed. */
    readonly acknowledgedMs?: number;
    /** Its failed requests are in the numbers. */
    readonly counted: boolean;
  }[];
  /** From the commit until 2 s after the last acknowledgement. */
  readonly failed: { readonly byEdge: number; readonly byFormer: number; readonly byTarget: number };
}

const STATES: Readonly<Record<number, string>> = {
  [ReceiptState.WAITING]: "waiting",
  [ReceiptState.COUNTING]: "counting",
  [ReceiptState.COMPLETE]: "complete",
  [ReceiptState.INCOMPLETE]: "incomplete",
  [ReceiptState.SUPERSEDED]: "superseded",
};

export function receiptJson({ receipt, ...given }: TrafficSwitch): ReceiptJson {
  return {
    id: given.id,
    ...(given.projectSlug === "" ? {} : { project: given.projectSlug }),
    environment: given.environmentSlug,
    cause: given.cause,
    // 0: of a control plane of an older release.
    ...(given.percent === 0 || given.percent === 100 ? {} : { percent: given.percent }),
    ...(given.gradualSwitchId === "" ? {} : { gradualSwitch: given.gradualSwitchId }),
    ...(given.fromDeploymentId === "" ? {} : { from: given.fromDeploymentId }),
    to: given.toDeploymentId,
    committedAt: Number(given.committedAt),
    state: STATES[receipt?.state ?? 0] ?? "unknown",
    tookMs: Number(receipt?.tookMs ?? 0n),
    edges: (receipt?.edges ?? []).map(({ edgeId, region, acknowledgedMs, counted }) => ({
      id: edgeId,
      ...(region === "" ? {} : { region }),
      ...(acknowledgedMs === undefined ? {} : { acknowledgedMs: Number(acknowledgedMs) }),
      counted,
    })),
    failed: {
      byEdge: Number(receipt?.failedByEdge ?? 0n),
      byFormer: Number(receipt?.failedByFormer ?? 0n),
      byTarget: Number(receipt?.failedByTarget ?? 0n),
    },
  };
}

/** The receipt in one line; empty where no edge was alive. */
export function receiptText(receipt: ReceiptJson): string {
  const { edges, state, tookMs } = receipt;
  if (edges.length === 0) return "";
  const missing = edges.filter(({ acknowledgedMs }) => acknowledgedMs === undefined);
  const followed = edges.length - missing.length;
  const time = followed === 0
    ? ""
    : ` in ${tookMs < 10_000 ? `${tookMs} ms` : `${Math.round(tookMs / 1_000)} s`}`;
  const how = `switched${time} on ${followed} of ${edges.length} edge${edges.length === 1 ? "" : "s"}`;
  return `${how}, ${failedText(receipt)}${missingText(state, missing)}${uncountedText(receipt)}`;
}

function failedText({ failed: { byEdge, byFormer, byTarget }, state }: ReceiptJson): string {
  const sum = byEdge + byFormer + byTarget;
  const parts = [
    ...(byEdge === 0 ? [] : [`${byEdge} by the edge`]),
    ...(byFormer === 0 ? [] : [`${byFormer} by the former deployment`]),
    ...(byTarget === 0 ? [] : [`${byTarget} by the new one`]),
  ];
  const soFar = state === "waiting" || state === "counting" ? " so far" : "";
  const which = parts.length === 0 ? "" : ` (${parts.join(", ")})`;
  return `${sum} request${sum === 1 ? "" : "s"} failed${soFar}${which}`;
}

type Edges = ReceiptJson["edges"];

function missingText(state: string, missing: Edges): string {
  if (missing.length === 0) return "";
  const text = namesOf(missing);
  switch (state) {
    case "waiting":
      return `; not yet: ${text}`;
    case "superseded":
      return `; the next switch came before ${text} followed`;
    default:
      return `; not within 30 s: ${text}`;
  }
}

function uncountedText({ edges, state }: ReceiptJson): string {
  const uncounted = edges.filter(({ counted, acknowledgedMs }) => !counted && acknowledgedMs !== undefined);
  return state === "complete" && uncounted.length > 0 ? `; without those of ${namesOf(uncounted)}` : "";
}

function namesOf(edges: Edges): string {
  return edges.map(({ id, region }) => oneLine(region === undefined ? id : `${id} (${region})`)).join(", ");
}

const FIRST_WAIT_MS = 40;
const WAIT_MS_MAX = 320;
/** Edges follow within some 100 ms; one that does not is named, and waited for no longer. */
const WAITS_MAX = 12;

export interface ReceiptLook {
  readonly client: Pick<Client<typeof DeploymentService>, "listSwitches">;
  readonly deploymentId: string;
  readonly signal: AbortSignal;
}

/** The receipt of the newest switch to a deployment, when its edges have followed, or after about 3 s. Best effort: the switch is done. */
export async function awaitReceipt(
  look: ReceiptLook & { readonly clock: Clock },
): Promise<ReceiptJson | undefined> {
  try {
    for (let waits = 0;; waits++) {
      const receipt = await findReceipt(look);
      if (receipt?.state !== "waiting" || waits === WAITS_MAX) return receipt;
      await look.clock.sleep(backoffMs(waits + 1, FIRST_WAIT_MS, WAIT_MS_MAX), look.signal);
    }
  } catch {
    look.signal.throwIfAborted();
    // Its control plane may be older.
    return undefined;
  }
}

/** The same without a wait; `undefined` also for a control plane that keeps none. */
export async function knownReceipt(look: ReceiptLook, cause?: string): Promise<ReceiptJson | undefined> {
  try {
    return await findReceipt(look, cause);
  } catch (error) {
    if (isUnimplemented(error)) return undefined;
    throw error;
  }
}

async function findReceipt(
  { client, deploymentId, signal }: ReceiptLook,
  cause?: string,
): Promise<ReceiptJson | undefined> {
  const { switches } = await client.listSwitches({ deploymentId }, { signal });
  const found = switches.find((each) => cause === undefined || each.cause === cause);
  return found && receiptJson(found);
}
