/** Two deployments of a test environment, between which a gradual switch moves requests. */
import { listRoutes } from "../internal/store/mod.ts";
import { orThrow } from "./testing.ts";
import { back, type TestEnvironment } from "./testing_environment.ts";

/** Two deployments that run: the first is live, and nothing but its commit's name leads to the second. */
export async function pair(environment: TestEnvironment): Promise<readonly [live: string, next: string]> {
  const d1 = await environment.deployNew();
  const d2 = await environment.deployNew();
  orThrow(await environment.move({ kind: "rollback", ...back(d2, d1) }));
  await environment.db.kysely.updateTable("frontline_routes").set({ sticky: "none" })
    .where("sticky", "=", "branch").execute();
  return [d1, d2];
}

/** The shares in the routes that edges get, by deployment and meaning. */
export async function shares(environment: TestEnvironment): Promise<Readonly<Record<string, string>>> {
  const { kysely } = environment.db;
  const ids = await kysely.selectFrom("frontline_routes").select("id")
    .where("environment_id", "=", environment.seed.productionId).execute();
  const routes = await listRoutes(kysely, ids.map(({ id }) => id));
  const number = (id: string): string => `d${environment.ids.indexOf(id) + 1}`;
  return Object.fromEntries(
    routes.filter(({ sticky }) => sticky !== "none").map(({ sticky, deployment_id, gradual }) => [
      sticky,
      `${number(deployment_id)}${
        gradual === undefined ? "" : ` step ${gradual.step} ${number(gradual.deployment_id)}`
      }`,
    ]),
  );
}
