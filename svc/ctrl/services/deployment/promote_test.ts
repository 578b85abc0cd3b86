import assert from "node:assert/strict";
import { startApi } from "../testing.ts";
import { setLive, setUpLife } from "../testing_lifecycle.ts";

Deno.test("promoting the live deployment of a rolled-back environment is allowed in any state of its instances", async () => {
  await using api = await startApi();
  const { d1, d2, environmentId, client, calls } = await setUpLife(api);
  await setLive(api, environmentId, d2, d1, true);
  await api.db.kysely.deleteFrom("instances").execute();
  assert.equal((await client.getDeployment({ deploymentId: d1 })).deployment?.environmentRolledBack, true);
  const { switched } = await client.promote({ targetDeploymentId: d1 });
  assert.equal(switched?.rolledBack, false);
  assert.deepEqual(calls, [`promote ${environmentId} ${d1}`]);
});
