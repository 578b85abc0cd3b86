/** The calls of the commands about passwords for visitors. */
import { EnvironmentService } from "../../../proto/gen/ctrl/v1/environment_pb.ts";
import { route } from "../../../svc/ctrl/services/testing_agents.ts";
import { developer, type Row } from "./exit_code_rows.ts";
import type { World } from "./world.ts";

/** D2 has a host name, and its environment a password. */
async function protectD2({ bed: { api, tenant, life } }: World): Promise<void> {
  const { projectId, rootKey } = tenant;
  await route(api, tenant, "shop-acme.localhost", life.d2);
  const change = { case: "generate", value: true } as const;
  const request = { projectId, environmentSlug: "production", change };
  await api.client(EnvironmentService, rootKey).setProtection(request);
}

export const PROTECTION: Readonly<Record<string, Row>> = {
  "protect": developer(["protect", "--project", "shop"], {
    1: { args: ["protect", "--project", "nosuch"] },
  }),
  "share": developer(["share", "D2"], {
    0: { args: ["share", "D2"], prepare: protectD2 },
    1: { args: ["share", "D2"] },
  }),
};
