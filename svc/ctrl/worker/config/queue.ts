/** The queue of builds and its limits: settings of `ctrl worker`. */
import { field, integerSchema } from "../../../../pkg/config/mod.ts";

/** Settings of the queue of builds. */
export const QUEUE_FIELDS = {
  buildsMax: field({
    flag: "builds-max",
    env: "UNKEY_BUILDS_MAX",
    placeholder: "<count>",
    help: "Builds of one workspace at once; the others wait in a queue.",
    schema: integerSchema(2, 1, 1_000),
  }),
  queueMinutes: field({
    flag: "queue-minutes",
    env: "UNKEY_BUILD_QUEUE_MINUTES",
    placeholder: "<minutes>",
    help: "How long a deployment may wait for a build slot.",
    schema: integerSchema(240, 1, 10_080),
  }),
  queueAgeingSeconds: field({
    flag: "queue-ageing-seconds",
    env: "UNKEY_BUILD_QUEUE_AGEING_SECONDS",
    placeholder: "<seconds>",
    help: "A production build that comes at most so much later than another one is built first.",
    schema: integerSchema(600, 0, 86_400),
  }),
};
