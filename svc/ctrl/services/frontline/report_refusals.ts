import type { Clock } from "../../../../pkg/clock/mod.ts";
import { shortHash } from "../../../../pkg/hash/mod.ts";
import { parseId } from "../../../../pkg/uid/mod.ts";
import type { ReportRefusalsRequest } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { type LogHub, OutputStore } from "../../internal/logs/mod.ts";
import { type CtrlDatabase, findDeployment, type LogLine, timeNsText } from "../../internal/store/mod.ts";
import { cutToBytes, invalid, key } from "../../internal/validate/mod.ts";

export interface RefusalDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly logs: Pick<LogHub, "reported">;
  /** Bytes of output that are kept of each deployment. */
  readonly outputBytesMax: number;
}

const EDGE_DIGITS = 6;
const REFUSALS_MAX = 100;
const TEXT_BYTES_MAX = 1_000;
/** Clients choose how often they are refused: lines about that must not take the place of the app's own. */
const PER_MINUTE_MAX = 30;
const MINUTE_MS = 60_000;
const COUNTED_MAX = 10_000;
/** Edges send again what they could not send. */
const AGE_MS_MAX = 3_600_000;
const NS_PER_MS = 1_000_000n;

/** Puts lines of edges into the output of deployments; one per process. */
export class RefusalTaker {
  readonly #deps: RefusalDeps;
  readonly #output: OutputStore;
  readonly #counts = new Map<string, { readonly sinceMs: number; count: number }>();

  constructor(deps: RefusalDeps) {
    this.#deps = deps;
    this.#output = new OutputStore({ db: deps.db, hub: deps.logs, bytesMax: deps.outputBytesMax });
  }

  /** @throws `invalid_argument`; lines of unknown deployments, and those over the limit, are dropped */
  async take(region: string, { edgeId, refusals }: ReportRefusalsRequest): Promise<void> {
    const edge = key("edge_id", edgeId, 63);
    if (refusals.length > REFUSALS_MAX) throw invalid("refusals", `must be at most ${REFUSALS_MAX}`);
    const nowMs = this.#deps.clock.now();
    const lines = refusals.map(({ deploymentId, text: line, at }, ordinal) => {
      parseId("deployment", "refusals.deployment_id", deploymentId);
      const atMs = Math.min(nowMs, Math.max(nowMs - AGE_MS_MAX, Number(at)));
      const timeNs = timeNsText(BigInt(atMs) * NS_PER_MS);
      const shown = cutToBytes(line.replace(/\p{Cc}/gu, "?"), TEXT_BYTES_MAX);
      const instance = `edge-${shortHash(edge, EDGE_DIGITS)}`;
      return {
        deploymentId,
        line: { instance, timeNs, ordinal, region, stream: "stderr", text: shown } as const,
      };
    });
    for (const [deploymentId, own] of Map.groupBy(lines, (each) => each.deploymentId)) {
      if (await findDeployment(this.#deps.db.kysely, deploymentId) === undefined) continue;
      const allowed = this.#allowed(deploymentId, own.map(({ line }): LogLine => line), nowMs);
      if (allowed.length > 0) await this.#output.put(deploymentId, allowed);
    }
  }

  #allowed(deploymentId: string, lines: readonly LogLine[], nowMs: number): readonly LogLine[] {
    const known = this.#counts.get(deploymentId);
    const current = known === undefined || nowMs - known.sinceMs >= MINUTE_MS
      ? { sinceMs: nowMs, count: 0 }
      : known;
    this.#counts.delete(deploymentId);
    this.#counts.set(deploymentId, current);
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > COUNTED_MAX && oldest !== undefined) this.#counts.delete(oldest);
    const allowed = lines.slice(0, Math.max(0, PER_MINUTE_MAX - current.count));
    current.count += lines.length;
    return allowed;
  }
}
