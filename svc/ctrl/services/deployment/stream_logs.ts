import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import {
  advanceLogCursor,
  findLogEnds,
  type LogCursor,
  type LogLine,
  type LogTailQuery,
  readLogTail,
  timeNsText,
} from "../../internal/store/mod.ts";
import { invalid, optionalText, text } from "../../internal/validate/mod.ts";
import type { DeploymentDeps } from "./deps.ts";
import { requireDeployment } from "./find.ts";

export type StreamedLog =
  | { readonly kind: "line"; readonly line: LogLine }
  | { readonly kind: "heartbeat" };

export interface LogRequest {
  readonly deploymentId: string;
  /** Continue with new lines. */
  readonly follow: boolean;
  /** Number of last lines to begin with. */
  readonly tail: number;
  /** Milliseconds since the epoch; 0 for no bound. */
  readonly since: bigint;
  readonly until: bigint;
  /** The beginning of the names of instances; empty for all. */
  readonly instance: string;
  readonly region: string;
}

const TAIL_MAX = 100_000;
const HEARTBEAT_MS = 5_000;
const NANOSECONDS = 1_000_000n;

/**
 * The output of the deployment's instances, as far as it is kept, then new lines. Following never ends by itself.
 *
 * @throws `not_found`, `invalid_argument` before the first message
 */
export async function* streamLogs(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  request: LogRequest,
  signal: AbortSignal,
): AsyncGenerator<StreamedLog> {
  const { db, clock, logs } = deps;
  const query = await requireLogs(deps, caller, request);
  const { deploymentId: id } = query;
  const { tail, follow } = request;

  // Read before the tail, so that no line falls in between the two.
  let cursor: LogCursor = follow ? await findLogEnds(db.kysely, id) : new Map();
  for await (const lines of tail === 0 ? [] : readLogTail(db, query)) {
    signal.throwIfAborted();
    cursor = advanceLogCursor(cursor, lines);
    for (const line of lines) yield { kind: "line", line };
  }
  if (!follow) return;
  let sentAtMs = clock.now();
  await using follower = logs.follow(id, cursor);
  for (;;) {
    const lines = (await follower.next(signal)).filter((line) => matches(query, line));
    for (const line of lines) yield { kind: "line", line };
    if (lines.length > 0) sentAtMs = clock.now();
    if (clock.now() - sentAtMs >= HEARTBEAT_MS) {
      sentAtMs = clock.now();
      yield { kind: "heartbeat" };
    }
  }
}

/** The output that a request asks for. @throws `not_found`, `permission_denied`, `invalid_argument` */
export async function requireLogs(
  deps: Pick<DeploymentDeps, "reader">,
  caller: RootKeyPrincipal,
  request: LogRequest,
): Promise<LogTailQuery> {
  const { id } = await requireDeployment(deps, caller, { id: request.deploymentId, action: "read_logs" });
  return checkQuery(id, request);
}

function checkQuery(deploymentId: string, request: LogRequest): LogTailQuery {
  const { tail, follow, since, until, region } = request;
  if (tail < 0 || tail > TAIL_MAX) throw invalid("tail", `must be between 0 and ${TAIL_MAX}`, String(tail));
  if (since < 0n) throw invalid("since", "must be milliseconds since the epoch", String(since));
  if (until < 0n) throw invalid("until", "must be milliseconds since the epoch", String(until));
  if (until > 0n && follow) throw invalid("until", "ends a range: it does not go together with follow");
  const instance = optionalText("instance", request.instance, 255);
  return {
    deploymentId,
    lines: tail,
    ...(since === 0n ? {} : { since: timeNsText(since * NANOSECONDS) }),
    ...(until === 0n ? {} : { until: timeNsText(until * NANOSECONDS) }),
    ...(instance === "" ? {} : { instance }),
    ...(region === "" ? {} : { region: text("region", region, 64) }),
  };
}

function matches({ since = "", instance = "", region }: LogTailQuery, line: LogLine): boolean {
  return line.timeNs >= since && line.instance.startsWith(instance) &&
    (region === undefined || line.region === region);
}
