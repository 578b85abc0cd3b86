import type { Clock } from "../../../../pkg/clock/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { Vault } from "../../../../pkg/vault/mod.ts";
import type { ChangeNotifier } from "../../internal/changes/mod.ts";
import type { CtrlDatabase } from "../../internal/store/mod.ts";
import type { Authorities } from "./authorities.ts";

/** A TXT record that proves control of a name. */
export interface ProofRecord {
  /** The name that the certificate is for, without `*.`. */
  readonly name: string;
  readonly value: string;
}

/** Where proofs by DNS are shown. Each call may be repeated. */
export interface ProofRecords {
  publish(record: ProofRecord, signal: AbortSignal): Promise<void>;
  /** True when every server of the zone shows it. */
  isPublished(record: ProofRecord, signal: AbortSignal): Promise<boolean>;
  withdraw(record: ProofRecord, signal: AbortSignal): Promise<void>;
}

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
