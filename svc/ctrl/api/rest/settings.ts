/** The routes of an environment's settings. */
import { z } from "zod";
import { EnvironmentService } from "../../../../proto/gen/ctrl/v1/environment_pb.ts";
import { getAppSettings, setAppSettings } from "../../services/environment/app_settings.ts";
import { setEnvironmentIdleEnd } from "../../services/environment/set_idle_end.ts";
import { setSize } from "../../services/environment/set_size.ts";
import { appBody, shownApp, wireApp, wireSize } from "./app_body.ts";
import { ENVIRONMENT_MISSING, saying } from "./deploy.ts";
import { PROJECT } from "./examples.ts";
import { answer, defineRoute, ok } from "./route.ts";
import { environmentBody, setAppSettingsBody, setIdleEndBody, setSizeBody } from "./schemas.ts";
import { count, sizeShape } from "./shapes.ts";

const missing = saying(ENVIRONMENT_MISSING, "environment_not_found");
const WHERE = { projectId: PROJECT, environmentSlug: "production" };
const SIZE = { cpuMillicores: 500, memoryMib: 512, replicas: 2 };

export const getAppSettingsRoute = defineRoute({
  name: "getAppSettings",
  tag: "Settings",
  summary: "Shows what an environment sets for its next deployments.",
  rpc: EnvironmentService.method.getAppSettings,
  body: environmentBody,
  example: WHERE,
  answers: {
    200: answer("The settings, and the sizes that hold.", z.object({ settings: appBody, size: sizeShape }), {
      settings: { port: 3000 },
      size: SIZE,
    }),
  },
  problems: [404],
  async run({ deps: { environment: deps }, caller, body }) {
    const { settings, size } = await getAppSettings(deps, caller, body).catch(missing);
    return ok({ settings: shownApp(settings), size });
  },
});

export const setAppSettingsRoute = defineRoute({
  name: "setAppSettings",
  tag: "Settings",
  summary: "Sets how the environment's next deployments are run, after it has forgotten what `reset` names.",
  rpc: EnvironmentService.method.setAppSettings,
  body: setAppSettingsBody,
  example: { ...WHERE, settings: { port: 3000, healthCheck: { kind: "http", path: "/up" } } },
  answers: {
    200: answer("All settings that the environment has now.", z.object({ settings: appBody }), {
      settings: { port: 3000, healthCheck: { kind: "http", path: "/up" } },
    }),
  },
  problems: [404],
  async run({ deps: { environment: deps }, caller, body }) {
    const { projectId, environmentSlug, settings, reset = [] } = body;
    const order = {
      projectId,
      environmentSlug,
      settings: settings === undefined ? undefined : wireApp(settings),
      reset,
    };
    const now = await setAppSettings(deps, caller, order).catch(missing);
    return ok({ settings: shownApp(now) });
  },
});

export const setSizeRoute = defineRoute({
  name: "setSize",
  tag: "Settings",
  summary: "Sets the sizes of the environment's next deployments. What is absent stays.",
  rpc: EnvironmentService.method.setSize,
  body: setSizeBody,
  example: { ...WHERE, size: { memoryMib: 512, replicas: 2 } },
  answers: { 200: answer("The sizes that hold now.", z.object({ size: sizeShape }), { size: SIZE }) },
  problems: [404],
  async run({ deps: { environment: deps }, caller, body }) {
    const { projectId, environmentSlug, size, reset = false } = body;
    const order = {
      projectId,
      environmentSlug,
      size: size === undefined ? undefined : wireSize(size),
      reset,
    };
    return ok({ size: await setSize(deps, caller, order).catch(missing) });
  },
});

export const setIdleEndRoute = defineRoute({
  name: "setIdleEnd",
  tag: "Settings",
  summary: "Sets after how many seconds without a request deployments of the environment are stopped.",
  rpc: EnvironmentService.method.setIdleEnd,
  body: setIdleEndBody,
  example: { projectId: PROJECT, environmentSlug: "preview", seconds: 86_400 },
  answers: {
    200: answer("The time that holds now; 0: never.", z.object({ seconds: count }), { seconds: 86_400 }),
  },
  problems: [404],
  async run({ deps, caller, body: { projectId, environmentSlug, seconds } }) {
    const order = { projectId, environmentSlug, seconds };
    const now = await setEnvironmentIdleEnd(deps.admin, caller, order).catch(missing);
    return ok({ seconds: now });
  },
});
