import { z } from "zod";
import { type ConfigOf, field, integerSchema, switchField } from "../../pkg/config/mod.ts";
import { CONNECT_FIELDS } from "../shared/connect.ts";
import { ENVIRONMENT_FILTER_FIELD } from "../shared/project_fields.ts";

/** The control plane keeps no more of a deployment's output. */
export const TAIL_MAX = 10_000;

/** Every setting of `logs`. */
export const LOGS_FIELDS = {
  ...CONNECT_FIELDS,
  environment: ENVIRONMENT_FILTER_FIELD,
  source: field({
    flag: "source",
    env: "UNKEY_LOGS_SOURCE",
    placeholder: "<build|instance|all>",
    help: "The build's output, the running app's, or one after the other.",
    schema: z.enum(["build", "instance", "all"], { error: "must be build, instance or all" }).default("all"),
  }),
  tail: field({
    flag: "tail",
    env: "UNKEY_LOGS_TAIL",
    placeholder: "<lines>",
    help: "Begin with the last lines of each source. Default: all that is kept.",
    schema: optionalCountSchema(),
  }),
  follow: switchField({
    flag: "follow",
    env: "UNKEY_LOGS_FOLLOW",
    help: "Go on with new lines until Ctrl-C.",
  }),
  json: switchField({ flag: "json", env: "UNKEY_JSON", help: "Print one JSON object per line of output." }),
};

export type LogsConfig = ConfigOf<typeof LOGS_FIELDS>;

function optionalCountSchema(): z.ZodType<number | undefined> {
  const count = integerSchema(0, 0, TAIL_MAX);
  return z.string().optional().transform((raw, context): number | undefined => {
    if (raw === undefined) return undefined;
    const parsed = count.safeParse(raw);
    if (parsed.success) return parsed.data;
    context.addIssue({ code: "custom", message: parsed.error.issues[0]?.message ?? "is not valid" });
    return z.NEVER;
  });
}
