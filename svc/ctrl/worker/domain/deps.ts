import type { Clock } from "../../../../pkg/clock/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { ChangeNotifier } from "../../internal/changes/mod.ts";
import type { DomainDns } from "../../internal/domains/mod.ts";
import type { CtrlDatabase } from "../../internal/store/mod.ts";
import type { Limits } from "./plan.ts";

export interface DomainDeps extends DomainDns {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly changes: ChangeNotifier;
  readonly limits: Limits;
  /** Names of a workspace that get their first certificate within a week; `undefined`: there is no authority. */
  readonly certificatesMax: number | undefined;
}
