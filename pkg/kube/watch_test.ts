import assert from "node:assert/strict";
import { isExpired, SECRETS, watchObjects } from "./mod.ts";
import { apiTest, signal } from "./testing_apiserver.ts";

apiTest("a watch from a version that is too old ends with an expired error", async (api, cluster) => {
  await api.kill();
  // An apiserver knows what happened since it started.
  await api.start();
  const from = { resourceVersion: "1", signal: signal() };
  const read = async (): Promise<void> => {
    for await (const _ of watchObjects(cluster, SECRETS, { labels: {} }, from));
  };
  await assert.rejects(read(), isExpired);
});
