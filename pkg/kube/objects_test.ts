import assert from "node:assert/strict";
import { describeError, isFault } from "../fault/mod.ts";
import {
  AnyObject,
  applyObject,
  clusterVersion,
  createObject,
  deleteObject,
  getObject,
  listObjects,
  reviewPodToken,
  SECRETS,
} from "./mod.ts";
import { apiTest, apply, LABELS, secret, signal } from "./testing_apiserver.ts";

apiTest("objects are applied, read, listed and deleted, and errors are faults", async (_api, cluster) => {
  assert.match(await clusterVersion(cluster, signal()), /^v1\./);
  const ref = { namespace: "default", name: "a" };
  const options = { schema: AnyObject, signal: signal() };
  assert.equal(await getObject(cluster, SECRETS, ref, options), undefined);
  const first = await apply(cluster, "a", "1");
  const same = await apply(cluster, "a", "1");
  assert.equal(
    same.metadata.resourceVersion,
    first.metadata.resourceVersion,
    "the same again changes nothing",
  );
  await assert.rejects(
    createObject(cluster, SECRETS, secret("a", "2"), options),
    (e) => isFault(e, "already_exists"),
  );
  for (let index = 0; index < 3; index++) await apply(cluster, `b${index}`, "x");
  const { items } = await listObjects(cluster, SECRETS, { labels: LABELS }, options);
  assert.deepEqual(items.map(({ metadata }) => metadata.name).toSorted(), ["a", "b0", "b1", "b2"]);

  const gone = { propagation: "Background", signal: signal() } as const;
  await deleteObject(cluster, SECRETS, ref, { ...gone, uid: "another" });
  assert.ok(await getObject(cluster, SECRETS, ref, options), "another object of the name is not deleted");
  await deleteObject(cluster, SECRETS, ref, { ...gone, uid: first.metadata.uid });
  await deleteObject(cluster, SECRETS, ref, gone);
  assert.equal(await getObject(cluster, SECRETS, ref, options), undefined);
  const bad = { ...secret("Not a name", ""), apiVersion: "v1" };
  await assert.rejects(
    applyObject(cluster, SECRETS, bad, { fieldManager: "test", ...options }),
    (error) => isFault(error, "invalid_argument") && /Not a name/.test(error.publicMessage ?? ""),
  );
  assert.equal(await reviewPodToken(cluster, "nonsense", { audience: "x", signal: signal() }), undefined);
});

/** An apiserver allows 100 streams per connection; a body that was cancelled once broke calls that waited for one. */
apiTest("400 deletes at once all succeed", async (_api, cluster) => {
  const names = Array.from({ length: 400 }, (_, index) => `many${index}`);
  await Promise.all(names.map((name) => apply(cluster, name, "x")));
  const deletion = { propagation: "Background", signal: signal() } as const;
  const results = await Promise.allSettled(
    names.map((name) => deleteObject(cluster, SECRETS, { namespace: "default", name }, deletion)),
  );
  const failures = results.flatMap((each) => each.status === "rejected" ? [describeError(each.reason)] : []);
  assert.deepEqual(failures, []);
  const { items } = await listObjects(cluster, SECRETS, { labels: LABELS }, {
    schema: AnyObject,
    signal: signal(),
  });
  assert.deepEqual(items, []);
});
