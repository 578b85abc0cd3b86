import type { MessageInitShape } from "@bufbuild/protobuf";
import { merge } from "../../../../pkg/async/mod.ts";
import {
  type WatchWorkspaceRequest,
  type WatchWorkspaceResponseSchema,
  WorkspaceObject as Wire,
} from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { mayInProject, mayInWorkspace } from "../../internal/auth/permissions.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import type { WatchedObject, WorkspaceHead } from "../../internal/store/mod.ts";
import { invalid, optionalText } from "../../internal/validate/mod.ts";
import type { DeploymentDeps } from "./deps.ts";
import { encodeLog, encodeWatched } from "./encode.ts";
import { requireDeployment } from "./find.ts";
import { streamLogs } from "./stream_logs.ts";
import { watchEvents } from "./watch_events.ts";
import type { WorkspacePosition } from "./workspace_log.ts";

type Message = MessageInitShape<typeof WatchWorkspaceResponseSchema>;

const LINES_TAIL = 1_000;

/**
 * The changes of the caller's workspace, and the output of one deployment if it is asked for, until `signal` aborts.
 *
 * @throws `not_found`, `permission_denied`, `invalid_argument` before the first message
 */
export async function* watchWorkspace(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  request: Omit<WatchWorkspaceRequest, "$typeName">,
  signal: AbortSignal,
): AsyncGenerator<Message> {
  const from = positionOf(request);
  const { deploymentId, linesSince } = request;
  const afterEvent = count("after_event", request.afterEvent);
  if (linesSince < 0n) throw invalid("lines_since", "must not be negative", String(linesSince));
  const changes = (signal: AbortSignal) => watchChanges(deps, caller, from, signal);
  if (deploymentId === "") return yield* changes(signal);
  const { id, projectId } = await requireDeployment(deps, caller, {
    id: deploymentId,
    action: "read_deployment",
  });
  const followed = { id, afterEvent, linesSince, mayReadLines: mayInProject(caller, "read_logs", projectId) };
  yield* merge(signal, [changes, (signal) => watchOutput(deps, caller, followed, signal)]);
}

async function* watchChanges(
  { workspaces }: Pick<DeploymentDeps, "workspaces">,
  caller: RootKeyPrincipal,
  from: WorkspacePosition,
  signal: AbortSignal,
): AsyncGenerator<Message> {
  let isFirst = true;
  for await (const found of workspaces.changes(caller.workspaceId, from, signal)) {
    const changes = found?.changes.filter((each) => maySee(caller, each)) ?? [];
    if (found === undefined || (!isFirst && !found.all && changes.length === 0)) {
      yield { message: { case: "heartbeat", value: {} } };
      continue;
    }
    isFirst = false;
    const { epoch, sequence, all } = found;
    const value = { epoch, sequence: BigInt(sequence), all, changes: changes.map(encodeChange) };
    yield { message: { case: "changes", value } };
  }
}

interface Followed {
  readonly id: string;
  readonly afterEvent: number;
  readonly linesSince: bigint;
  readonly mayReadLines: boolean;
}

/** The events of a deployment, then the lines of its instances. */
async function* watchOutput(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  { id: deploymentId, afterEvent: afterSequence, linesSince: since, mayReadLines }: Followed,
  signal: AbortSignal,
): AsyncGenerator<Message> {
  for await (const watched of watchEvents(deps, caller, { deploymentId, afterSequence }, signal)) {
    const { event } = encodeWatched(watched);
    if (event?.case === "deploymentEvent") yield { message: { case: "event", value: event.value } };
  }
  yield { message: { case: "eventsEnded", value: {} } };
  if (!mayReadLines) return;
  const lines = { deploymentId, follow: true, tail: LINES_TAIL, since, until: 0n, instance: "", region: "" };
  for await (const log of streamLogs(deps, caller, lines, signal)) {
    const { message } = encodeLog(log);
    if (message?.case === "line") yield { message };
  }
}

function positionOf({ epoch, afterSequence }: Pick<WatchWorkspaceRequest, "epoch" | "afterSequence">) {
  return { epoch: optionalText("epoch", epoch, 64), sequence: count("after_sequence", afterSequence) };
}

function count(field: string, value: bigint): number {
  const number = Number(value);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw invalid(field, "must not be negative", String(value));
}

/** An object without a project is an entry of the audit log. */
function maySee(caller: RootKeyPrincipal, { projectId }: WorkspaceHead): boolean {
  return projectId === ""
    ? mayInWorkspace(caller, "read_audit_log")
    : mayInProject(caller, "read_deployment", projectId);
}

const OBJECTS: Readonly<Record<WatchedObject, Wire>> = {
  deployment: Wire.DEPLOYMENT,
  environment: Wire.ENVIRONMENT,
  switch: Wire.SWITCH,
  domain: Wire.DOMAIN,
  audit_entry: Wire.AUDIT_ENTRY,
};

function encodeChange({ object, id, projectId }: WorkspaceHead) {
  return { object: OBJECTS[object], id, projectId };
}
