import { field, integerSchema } from "../../../../pkg/config/mod.ts";

/** A setting that api and worker must have alike. */
export const IDLE_END_FIELDS = {
  previewIdleDays: field({
    flag: "preview-idle-days",
    env: "UNKEY_PREVIEW_IDLE_DAYS",
    placeholder: "<days>",
    help: "Stop deployments of the environment preview that got no request for so long; 0: never.",
    schema: integerSchema(7, 0, 3_650),
  }),
};

const DAY_SECONDS = 86_400;

/** The setting in seconds; 0: never. */
export function operatorIdleSeconds({ previewIdleDays }: { readonly previewIdleDays: number }): number {
  return previewIdleDays * DAY_SECONDS;
}
