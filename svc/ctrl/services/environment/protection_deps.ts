import type { Clock } from "../../../../pkg/clock/mod.ts";
import type { Vault } from "../../../../pkg/vault/mod.ts";
import type { ChangeNotifier } from "../../internal/changes/mod.ts";
import type { CtrlDatabase } from "../../internal/store/mod.ts";

export interface ProtectionDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly vault: Vault;
  readonly notifier: ChangeNotifier;
  /** The URL of the edge, for links. */
  readonly edgeUrl: string;
}
