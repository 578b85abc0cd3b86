/** Moves of live traffic, with their receipts. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  ReceiptState as WireState,
  type TrafficSwitchSchema,
} from "../../../../proto/gen/ctrl/v1/traffic_switch_pb.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { decodePageToken, pageOf } from "../../internal/page_token.ts";
import { listProjects, listSwitches, type TrafficSwitchesTable } from "../../internal/store/mod.ts";
import { type Receipt, receiptOf, type ReceiptState } from "../../internal/switches/mod.ts";
import { optionalText, pageSize } from "../../internal/validate/mod.ts";
import type { DeploymentDeps } from "./deps.ts";
import { requireDeployment } from "./find.ts";
import { projectsOf } from "./list.ts";

/** Which switches, and which page of them; an empty text asks for all. */
export interface SwitchesRequest {
  readonly projectId: string;
  readonly environmentSlug: string;
  /** Switches to it. */
  readonly deploymentId: string;
  /** 0: the default. */
  readonly pageSize: number;
  readonly pageToken: string;
}

/** A switch as it is shown. */
export interface ShownSwitch {
  readonly row: TrafficSwitchesTable;
  readonly projectSlug: string;
  readonly receipt: Receipt;
}

/** One page, newest first. */
export interface SwitchPage {
  readonly switches: readonly ShownSwitch[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

const PAGE_SIZE = 20;
const PAGE_SIZE_MAX = 100;

/** Lists switches. @throws `not_found`, `permission_denied`, `invalid_argument` */
export async function listTrafficSwitches(
  deps: Pick<DeploymentDeps, "db" | "reader" | "clock">,
  caller: RootKeyPrincipal,
  request: SwitchesRequest,
): Promise<SwitchPage> {
  const size = pageSize(request.pageSize, PAGE_SIZE, PAGE_SIZE_MAX);
  const { deploymentId, projectId, environmentSlug } = request;
  const action = "read_deployment";
  const deployment = deploymentId === ""
    ? undefined
    : await requireDeployment(deps, caller, { id: deploymentId, action });
  const found = await listSwitches(deps.db.kysely, {
    workspaceId: caller.workspaceId,
    projectIds: deployment !== undefined && projectId === ""
      ? undefined
      : await projectsOf(deps, caller, projectId),
    environmentSlug: optionalText("environment_slug", environmentSlug, 63) || undefined,
    deploymentId: deployment?.id,
    before: decodePageToken(request.pageToken, "sw"),
    limit: size + 1,
  });
  const stored = new Map(found.map((each) => [each.row.id, each]));
  const { rows, nextPageToken } = pageOf(found.map(({ row }) => row), size);
  const projects = rows.length === 0 ? [] : await listProjects(deps.db.kysely, caller.workspaceId);
  const slugs = new Map(projects.map(({ id, slug }) => [id, slug]));
  const nowMs = deps.clock.now();
  const switches = rows.flatMap((row) => {
    const each = stored.get(row.id);
    const projectSlug = slugs.get(row.project_id) ?? "";
    return each === undefined ? [] : [{ row, projectSlug, receipt: receiptOf(each, nowMs) }];
  });
  return { switches, nextPageToken };
}

const STATES: Record<ReceiptState, WireState> = {
  waiting: WireState.WAITING,
  counting: WireState.COUNTING,
  complete: WireState.COMPLETE,
  incomplete: WireState.INCOMPLETE,
  superseded: WireState.SUPERSEDED,
};

export function encodeTrafficSwitch(
  { row, projectSlug, receipt }: ShownSwitch,
): MessageInitShape<typeof TrafficSwitchSchema> {
  return {
    id: row.id,
    projectId: row.project_id,
    projectSlug,
    environmentId: row.environment_id,
    environmentSlug: row.environment_slug,
    cause: row.cause,
    fromDeploymentId: row.previous_deployment_id ?? "",
    toDeploymentId: row.deployment_id,
    committedAt: BigInt(row.created_at),
    percent: row.percent ?? 100,
    gradualSwitchId: row.gradual_switch_id ?? "",
    receipt: {
      state: STATES[receipt.state],
      tookMs: BigInt(receipt.tookMs),
      edges: receipt.edges.map(({ id, region, acknowledgedMs, counted }) => ({
        edgeId: id,
        region,
        ...(acknowledgedMs === undefined ? {} : { acknowledgedMs: BigInt(acknowledgedMs) }),
        counted,
      })),
      failedByEdge: BigInt(receipt.failedByEdge),
      failedByFormer: BigInt(receipt.failedByFormer),
      failedByTarget: BigInt(receipt.failedByTarget),
    },
  };
}
