/** The routes of credentials for registries. */
import { z } from "zod";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import {
  addRegistry,
  type KnownRegistry,
  listRegistries,
  removeRegistry,
} from "../../services/admin/registries.ts";
import { CREATED_AT } from "./examples.ts";
import { named } from "./named.ts";
import { answer, defineRoute, ok } from "./route.ts";
import { addRegistryBody, nothingBody, registryBody } from "./schemas.ts";
import { time } from "./shapes.ts";

const registryShape = named(
  "Registry",
  z.object({ host: z.string(), username: z.string(), createdAt: time, updatedAt: time }),
);
const GHCR = { host: "ghcr.io", username: "acme", createdAt: CREATED_AT, updatedAt: CREATED_AT };

export const addRegistryRoute = defineRoute({
  name: "addRegistry",
  tag: "Registries",
  summary: "Stores the credentials for a registry, in place of those that the workspace has for it.",
  rpc: AdminService.method.addRegistry,
  body: addRegistryBody,
  example: { host: "ghcr.io", username: "acme", secret: "…" },
  answers: {
    200: answer("They are stored.", z.object({ registry: registryShape, replaced: z.boolean() }), {
      registry: GHCR,
      replaced: false,
    }),
  },
  problems: [412],
  async run({ deps: { admin: deps }, caller, body }) {
    const { registry, replaced } = await addRegistry(deps, caller, { workspaceId: "", ...body });
    return ok({ registry: registryData(registry), replaced });
  },
});

export const listRegistriesRoute = defineRoute({
  name: "listRegistries",
  tag: "Registries",
  summary: "Lists the registries with credentials, by host. Secrets are never read back.",
  rpc: AdminService.method.listRegistries,
  body: nothingBody,
  example: {},
  answers: {
    200: answer("All of them.", z.object({ registries: z.array(registryShape) }), { registries: [GHCR] }),
  },
  problems: [],
  async run({ deps: { admin: deps }, caller }) {
    const registries = await listRegistries(deps, caller, "");
    return ok({ registries: registries.map(registryData) });
  },
});

export const removeRegistryRoute = defineRoute({
  name: "removeRegistry",
  tag: "Registries",
  summary: "Removes the credentials for a registry.",
  rpc: AdminService.method.removeRegistry,
  body: registryBody,
  example: { host: "ghcr.io" },
  answers: {
    200: answer(
      "`removed` is false when there were none. `host` is the host as it was stored.",
      z.object({ host: z.string(), removed: z.boolean() }),
      { host: "ghcr.io", removed: true },
    ),
  },
  problems: [],
  async run({ deps: { admin: deps }, caller, body: { host } }) {
    return ok(await removeRegistry(deps, caller, { workspaceId: "", host }));
  },
});

function registryData(
  { host, username, created_at, updated_at }: KnownRegistry,
): z.infer<typeof registryShape> {
  return { host, username, createdAt: created_at, updatedAt: updated_at };
}
