import type { Clock } from "../../../../pkg/clock/mod.ts";
import type { Vault } from "../../../../pkg/vault/mod.ts";
import type { SizeLimits } from "../../internal/deployments/size.ts";
import type { StreamShares, UploadLimits } from "../../internal/limits/mod.ts";
import type { CtrlDatabase } from "../../internal/store/mod.ts";

export interface AdminDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly vault: Vault;
  /** Regions that deployments go to; shown in the status even before anything happened there. */
  readonly regions: readonly string[];
  readonly sizes: SizeLimits;
  /** See `SetIdleEndDeps`. */
  readonly operatorIdleSeconds: number;
  readonly streams: StreamShares;
  /** Settings of this process. */
  readonly uploads: UploadLimits;
}
