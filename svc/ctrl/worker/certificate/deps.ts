import type { Clock } from "../../../../pkg/clock/mod.ts";
import type { ProofRecords } from "../../../../pkg/dns01/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { Vault } from "../../../../pkg/vault/mod.ts";
import type { ChangeNotifier } from "../../internal/changes/mod.ts";
import type { CtrlDatabase } from "../../internal/store/mod.ts";
import type { Authorities } from "./authorities.ts";

export interface CertificateDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly vault: Vault;
  readonly changes: ChangeNotifier;
  readonly authorities: Authorities;
  /** `undefined`: no wildcards. */
  readonly records: ProofRecords | undefined;
}
