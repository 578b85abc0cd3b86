/** Reading and compacting the change feed. */
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { compactChanges, type CtrlDatabase, findRegionVersion } from "../../internal/store/mod.ts";

/** The effects of the versioning service. */
export interface VersioningSteps {
  version(region: string): Promise<number>;
  /** Deletes changes that no agent can still want to resume from; returns how many. */
  compact(region: string): Promise<number>;
}

export interface VersioningDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  /** An agent that was away for longer begins with a snapshot. */
  readonly keepMs: number;
  /** So many of the newest changes stay, however old. */
  readonly keepVersions: number;
}

/** The steps over the database. */
export function createVersioningSteps({ db, clock, keepMs, keepVersions }: VersioningDeps): VersioningSteps {
  return {
    version: (region) => findRegionVersion(db.kysely, region),
    compact: (region) => compactChanges(db.kysely, region, { nowMs: clock.now(), keepMs, keepVersions }),
  };
}
