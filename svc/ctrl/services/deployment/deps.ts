import type { Clock } from "../../../../pkg/clock/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { ObjectStore } from "../../../../pkg/objectstore/mod.ts";
import type { Vault } from "../../../../pkg/vault/mod.ts";
import type { ChangeNotifier } from "../../internal/changes/mod.ts";
import type { StreamShares, UploadLimits } from "../../internal/limits/mod.ts";
import type { LogHub } from "../../internal/logs/mod.ts";
import type { CtrlDatabase } from "../../internal/store/mod.ts";
import type { Workflows } from "../../internal/workflows/mod.ts";
import type { SizeLimits } from "../../internal/deployments/size.ts";
import type { AppLimits } from "../../internal/validate/app.ts";
import type { SpanTaker } from "../../internal/traces/mod.ts";
import type { EventHub } from "./event_hub.ts";
import type { WorkspaceHub } from "./workspace_hub.ts";
import type { DeploymentReader } from "./reader.ts";

/** The parts that the deployment use cases work with. */
export interface DeploymentDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly objects: ObjectStore;
  readonly vault: Vault;
  readonly workflows: Workflows;
  readonly notifier: ChangeNotifier;
  readonly events: EventHub;
  readonly workspaces: WorkspaceHub;
  readonly logs: LogHub;
  readonly spans: SpanTaker;
  readonly reader: DeploymentReader;
  readonly uploads: UploadLimits;
  readonly streams: StreamShares;
  readonly sizes: SizeLimits;
  readonly apps: AppLimits;
  /** Scheme and port of shown URLs, e.g. `http://localhost:7070`; the host is replaced. */
  readonly edgeUrl: string;
}
