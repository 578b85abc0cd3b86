import type { Clock } from "../../../../pkg/clock/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { AgentBook } from "../../internal/agents/mod.ts";
import type { ChangeHub, ChangeNotifier } from "../../internal/changes/mod.ts";
import type { LogHub } from "../../internal/logs/mod.ts";
import type { CtrlDatabase } from "../../internal/store/mod.ts";
import type { Workflows } from "../../internal/workflows/mod.ts";
import type { DeploymentFeed } from "./deployment_feed.ts";
import type { SentinelFeed } from "./sentinel_feed.ts";

/** What the use cases of agents work with. */
export interface ClusterDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly hub: ChangeHub;
  readonly agents: AgentBook;
  /** Told after commits that the edges have to know of. */
  readonly notifier: ChangeNotifier;
  /** Told of lines that were stored. */
  readonly logs: Pick<LogHub, "reported">;
  readonly workflows: Workflows;
  readonly deployments: DeploymentFeed;
  readonly sentinels: SentinelFeed;
}
