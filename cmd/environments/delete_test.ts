import assert from "node:assert/strict";
import type { DeleteEnvironmentRequest } from "../../proto/gen/ctrl/v1/environment_pb.ts";
import { onlyJson } from "../shared/testing.ts";
import { controlPlane } from "./testing.ts";

Deno.test("environments delete asks when there is a terminal, and names the deployments that it stopped", async () => {
  const deletes: DeleteEnvironmentRequest[] = [];
  await using api = await controlPlane(deletes);
  const answering = (answer: boolean | undefined) => ({
    confirm: () => Promise.resolve(answer),
    select: () => Promise.resolve(undefined),
    password: () => Promise.resolve(undefined),
  });
  const declined = await api.run(["environments", "delete", "qa"], { prompts: answering(false) });
  assert.equal(declined.code, 130);
  assert.deepEqual(deletes, []);
  const running = await api.run(["environments", "delete", "qa"], { prompts: answering(true) });
  assert.equal(running.code, 1);
  assert.match(running.stderr, /still runs d_2: use --stop/);
  const stopped = await api.run(["environments", "delete", "qa", "--stop", "--yes"], {
    prompts: answering(undefined),
  });
  assert.equal(stopped.code, 0);
  assert.match(stopped.stderr, /deleted qa of shop, stopped d_2/);
  assert.deepEqual(onlyJson(await api.run(["environments", "delete", "qa", "--stop", "--yes", "--json"])), {
    slug: "qa",
    project: "shop",
    stopped: ["d_2"],
  });
});
