import assert from "node:assert/strict";
import { encodeAppSettings, encodeAppSnapshot } from "./app/settings.ts";
import { sleepTimeOf } from "./sleep.ts";

const at = (
  environmentSlug: string,
  { shared, own, kind }: { readonly shared?: number; readonly own?: number; readonly kind?: "none" | "http" },
) =>
  sleepTimeOf({
    environmentSlug,
    environmentSettings: encodeAppSettings(shared === undefined ? {} : { sleepSeconds: shared }),
    deploymentSettings: encodeAppSnapshot({
      own: {
        ...(own === undefined ? {} : { sleepSeconds: own }),
        ...(kind === undefined ? {} : { healthCheck: { kind } }),
      },
      environment: {},
    }),
  });

Deno.test("a deployment sleeps after its own time, or that of its environment; production by its environment's only", () => {
  assert.equal(at("preview", {}), undefined);
  assert.deepEqual(at("preview", { shared: 600 }), { seconds: 600, isOwn: false });
  assert.deepEqual(at("preview", { shared: 600, own: 60 }), { seconds: 60, isOwn: true });
  assert.equal(at("preview", { shared: 600, own: 0 }), undefined, "never");
  assert.equal(at("preview", { shared: 0 }), undefined);
  assert.equal(at("production", { own: 60 }), undefined);
  assert.deepEqual(at("production", { own: 60, shared: 600 }), { seconds: 600, isOwn: false });
});

Deno.test("an app without a port never sleeps, and one of an older version may", () => {
  assert.equal(at("preview", { shared: 600, kind: "none" }), undefined);
  assert.deepEqual(at("preview", { shared: 600, kind: "http" }), { seconds: 600, isOwn: false });
  assert.deepEqual(
    sleepTimeOf({
      environmentSlug: "preview",
      environmentSettings: '{"sleepSeconds":90}',
      deploymentSettings: null,
    }),
    { seconds: 90, isOwn: false },
  );
});
