import type { Clock } from "../../../../pkg/clock/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { AgentHeartbeats } from "../../internal/agents/mod.ts";
import type { ChangeHub, ChangeNotifier } from "../../internal/changes/mod.ts";
import type { LogHub } from "../../internal/logs/mod.ts";
import type { CtrlDatabase } from "../../internal/store/mod.ts";
import type { SpanTaker } from "../../internal/traces/mod.ts";
import type { Workflows } from "../../internal/workflows/mod.ts";
import type { DeploymentFeed } from "./deployment_feed.ts";
import type { SentinelFeed } from "./sentinel_feed.ts";

export interface ClusterDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly hub: ChangeHub;
  readonly agents: AgentHeartbeats;
  /** Called after commits that change the feed of the edges. */
  readonly notifier: ChangeNotifier;
  /** Called after lines were stored. */
  readonly logs: Pick<LogHub, "reported">;
  readonly spans: SpanTaker;
  /** Bytes of output that are kept of each deployment. */
  readonly outputBytesMax: number;
  readonly workflows: Workflows;
  readonly deployments: DeploymentFeed;
  readonly sentinels: SentinelFeed;
}
