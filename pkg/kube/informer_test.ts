import assert from "node:assert/strict";
import { type Cluster, deleteObject, SECRETS } from "./mod.ts";
import { apiTest, apply, signal, until, Watching } from "./testing_apiserver.ts";

apiTest("an informer follows changes over a crash of the apiserver", async (api, cluster) => {
  await apply(cluster, "before", "1");
  await using watching = new Watching(cluster);
  await watching.informer.listed;
  assert.deepEqual(watching.names(), ["before"]);
  await apply(cluster, "during", "1");
  await until("an addition", () => watching.names().includes("during"));
  await api.kill();
  await api.start();
  await apply(cluster, "after", "1");
  await deleteObject(cluster, SECRETS, { namespace: "default", name: "before" }, {
    propagation: "Background",
    signal: signal(),
  });
  await until("all of it", () => watching.names().join() === "after,during");
  assert.equal(
    watching.reported.filter((name) => name === "during").length,
    1,
    "no version is reported twice",
  );
});

/** A connection without an end of its own would otherwise be waited on for ever. */
apiTest("an informer opens another watch when one has no events for too long", async (api, cluster) => {
  await using watching = new Watching(cluster, 1_000);
  await watching.informer.listed;
  api.freeze();
  await until("the end of the watch", () => watching.logs.some((line) => line.includes("had no event")));
  api.thaw();
  await apply(cluster, "late", "1");
  await until("the object", () => watching.names().includes("late"));
});

Deno.test("an informer lists again when its version is too old, and reports only changes and removals", async () => {
  const object = (name: string, version: string) => ({
    metadata: { name, uid: name, resourceVersion: version },
  });
  const expired = { type: "ERROR", object: { code: 410, reason: "Expired", message: "too old" } };
  const answers: Record<string, unknown>[] = [
    { metadata: { resourceVersion: "5" }, items: [object("a", "3"), object("b", "4")] },
    expired,
    { metadata: { resourceVersion: "9" }, items: [object("a", "3"), object("c", "8")] },
  ];
  const cluster: Cluster = {
    server: "https://test",
    close: () => undefined,
    call({ signal }) {
      const next = answers.shift();
      if (next !== undefined) return Promise.resolve(new Response(`${JSON.stringify(next)}\n`));
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    },
  };
  await using watching = new Watching(cluster);
  await until("the second list", () => watching.names().join() === "a,c");
  assert.deepEqual(watching.reported, ["a", "b", "b", "c"]);
});
