/** The flags of a gradual switch. */
import { type ConfigOf, switchField } from "../../pkg/config/mod.ts";
import { UsageError } from "../../pkg/cli/mod.ts";
import { PROMOTE_STEPS_FIELDS, refuseHoldWithEvery } from "../shared/gradual_fields.ts";

export const GRADUAL_FIELDS = {
  ...PROMOTE_STEPS_FIELDS,
  detach: switchField({
    flag: "detach",
    env: "UNKEY_PROMOTE_DETACH",
    help: "With --gradual: end when the first share is committed. The control plane goes on.",
  }),
  next: switchField({
    flag: "next",
    env: "UNKEY_PROMOTE_NEXT",
    help: "Go on to the next step of the gradual switch that runs, now.",
  }),
  abort: switchField({
    flag: "abort",
    env: "UNKEY_PROMOTE_ABORT",
    help: "End the gradual switch that runs: the live deployment gets all requests again.",
  }),
};

type GradualConfig = ConfigOf<typeof GRADUAL_FIELDS>;

/** @throws `UsageError` for flags that do not go together */
export function checkGradual(config: GradualConfig): void {
  const { gradual, steps, everyMs, hold, sticky, detach, next, abort } = config;
  if (next && abort) throw new UsageError("--next and --abort exclude each other.");
  refuseHoldWithEvery({ hold, everyMs });
  const begins = steps !== undefined || everyMs !== undefined || hold || sticky || detach;
  if (begins && (next || abort)) {
    throw new UsageError("--next and --abort are about the gradual switch that runs: its settings stay.");
  }
  if (begins && !gradual) {
    throw new UsageError("--steps, --every, --hold, --sticky and --detach need --gradual.");
  }
}
