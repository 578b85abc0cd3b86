import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { ChangeNotifier } from "../../internal/changes/mod.ts";
import type { DomainDns } from "../../internal/domains/mod.ts";
import type { CtrlDatabase } from "../../internal/store/mod.ts";
import type { Workflows } from "../../internal/workflows/mod.ts";

export interface DomainDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly notifier: ChangeNotifier;
  readonly workflows: Pick<Workflows, "verifyDomain" | "processCertificate">;
  /** `undefined`: the operator wants no custom domains. */
  readonly domains: DomainDns | undefined;
  /** Of a workspace. */
  readonly domainsMax: number;
}

/** Tells a workflow. What is lost is noticed by the next look for what is due. */
export async function tell({ log }: DomainDeps, call: () => Promise<void>): Promise<void> {
  try {
    await call();
  } catch (error) {
    log.warn("workflow of a custom domain not woken", { error: describeError(error) });
  }
}
