/** Time limits: settings of `ctrl worker`. */
import { field, integerSchema } from "../../../../pkg/config/mod.ts";

/** Settings of times, in the unit that each flag names. */
export const DEADLINE_FIELDS = {
  readySeconds: field({
    flag: "ready-seconds",
    env: "UNKEY_DEPLOY_READY_SECONDS",
    placeholder: "<seconds>",
    help: "How long a deployment has until all its instances run.",
    schema: integerSchema(300, 1, 3_600),
  }),
  listenSeconds: field({
    flag: "listen-seconds",
    env: "UNKEY_DEPLOY_LISTEN_SECONDS",
    placeholder: "<seconds>",
    help: "How long an app that runs has until it listens on its port.",
    schema: integerSchema(60, 1, 3_600),
  }),
  buildMinutes: field({
    flag: "build-minutes",
    env: "UNKEY_BUILD_MINUTES",
    placeholder: "<minutes>",
    help: "How long a build may take.",
    schema: integerSchema(30, 1, 600),
  }),
  stopGraceSeconds: field({
    flag: "stop-grace-seconds",
    env: "UNKEY_STOP_GRACE_SECONDS",
    placeholder: "<seconds>",
    help:
      "How long a deployment goes on running after its traffic moved to another one, for requests under way.",
    schema: integerSchema(120, 1, 86_400),
  }),
  stopEdgesSeconds: field({
    flag: "stop-edges-seconds",
    env: "UNKEY_STOP_EDGES_SECONDS",
    placeholder: "<seconds>",
    help: "How long a stop waits, beyond its time, for edges that may still send requests to the deployment.",
    schema: integerSchema(60, 0, 3_600),
  }),
  warmCount: field({
    flag: "warm-count",
    env: "UNKEY_STOP_WARM_COUNT",
    placeholder: "<count>",
    help:
      "How many of the deployments of an environment that served last go on running, for instant rollbacks.",
    schema: integerSchema(1, 0, 50),
  }),
  warmMinutes: field({
    flag: "warm-minutes",
    env: "UNKEY_STOP_WARM_MINUTES",
    placeholder: "<minutes>",
    help: "How long those go on running.",
    schema: integerSchema(30, 1, 10_080),
  }),
};
