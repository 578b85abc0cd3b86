/** The routes of environment variables. */
import { z } from "zod";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { listVariables, removeVariable, setVariables } from "../../services/admin/variables.ts";
import { ENVIRONMENT_MISSING, saying } from "./deploy.ts";
import { CREATED_AT, PROJECT } from "./examples.ts";
import { answer, defineRoute, ok } from "./route.ts";
import { environmentBody, removeVariableBody, setVariablesBody } from "./schemas.ts";
import { nothing, time } from "./shapes.ts";

const missing = saying(ENVIRONMENT_MISSING, "environment_not_found");
const WHERE = { projectId: PROJECT, environmentSlug: "production" };

export const setVariablesRoute = defineRoute({
  name: "setVariables",
  tag: "Variables",
  summary: "Sets variables of an environment, encrypted. The others stay; the next deployments get them all.",
  rpc: AdminService.method.setEnvironmentVariables,
  body: setVariablesBody,
  example: { ...WHERE, variables: { DATABASE_URL: "mysql://shop@db.internal/shop" } },
  answers: { 200: answer("They are set.", nothing, {}) },
  problems: [404],
  async run({ deps: { admin: deps }, caller, body: { variables, ...environment } }) {
    await setVariables(deps, caller, { environment, variables }).catch(missing);
    return ok({});
  },
});

export const listVariablesRoute = defineRoute({
  name: "listVariables",
  tag: "Variables",
  summary: "Lists the names of an environment's variables.",
  rpc: AdminService.method.listEnvironmentVariables,
  body: environmentBody,
  example: WHERE,
  answers: {
    200: answer(
      "All names.",
      z.object({ variables: z.array(z.object({ name: z.string(), updatedAt: time })) }),
      { variables: [{ name: "DATABASE_URL", updatedAt: CREATED_AT }] },
    ),
  },
  problems: [404],
  async run({ deps: { admin: deps }, caller, body }) {
    const rows = await listVariables(deps, caller, body).catch(missing);
    const variables = rows.map(({ name, updated_at }) => ({ name, updatedAt: updated_at }));
    return ok({ variables });
  },
});

export const removeVariableRoute = defineRoute({
  name: "removeVariable",
  tag: "Variables",
  summary: "Removes a variable of an environment.",
  rpc: AdminService.method.removeEnvironmentVariable,
  body: removeVariableBody,
  example: { ...WHERE, name: "DATABASE_URL" },
  answers: {
    200: answer("`removed` is false when there was none.", z.object({ removed: z.boolean() }), {
      removed: true,
    }),
  },
  problems: [404],
  async run({ deps: { admin: deps }, caller, body: { name, ...environment } }) {
    return ok({ removed: await removeVariable(deps, caller, { environment, name }).catch(missing) });
  },
});
