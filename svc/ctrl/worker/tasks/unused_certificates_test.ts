import assert from "node:assert/strict";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { PLATFORM_WORKSPACE, requestCertificate } from "../../internal/certificates/mod.ts";
import { findCertificateOrder } from "../../internal/store/mod.ts";
import { deployImage, move, startApi } from "../../services/testing.ts";
import { route } from "../../services/testing_agents.ts";
import { giveUpOnce } from "./unused_certificates.ts";

/** Each name that was visited once would be renewed for ever. */
Deno.test("certificates of deployments that are gone or stopped are given up, and no others", async () => {
  await using api = await startApi();
  const { db, workflows } = api;
  const clock = { now: () => 1_000, sleep: () => Promise.reject(new Error("nothing sleeps here")) };
  const tenant = await api.tenant("acme");
  const [serves, stopped] = [await deployImage(api, tenant), await deployImage(api, tenant)];
  await route(api, tenant, "serves.apps.test", serves);
  await route(api, tenant, "stopped.apps.test", stopped);
  await move(api, serves, "ready");
  await move(api, stopped, "stopped");
  const wishes: readonly (readonly [workspaceId: string, hostname: string])[] = [
    [PLATFORM_WORKSPACE, "serves.apps.test"],
    [PLATFORM_WORKSPACE, "stopped.apps.test"],
    [PLATFORM_WORKSPACE, "gone.apps.test"],
    [PLATFORM_WORKSPACE, "api.apps.test"],
    [PLATFORM_WORKSPACE, "*.apps.test"],
    [tenant.workspaceId, "shop.example.com"],
  ];
  for (const [workspaceId, hostname] of wishes) {
    await requestCertificate({ db, clock, workflows }, { workspaceId, hostname });
  }
  const changed: string[] = [];
  const deps = {
    db,
    clock,
    workflows,
    log: silentLogger(),
    changes: { changed: (regions: readonly string[]) => void changed.push(...regions) },
    platformNames: ["api.apps.test", "*.apps.test"],
  };
  const { signal } = new AbortController();
  assert.deepEqual(await giveUpOnce(deps, signal), ["gone.apps.test", "stopped.apps.test"]);
  assert.deepEqual([...new Set(changed)], ["*"], "the change is for all edges");
  for (const [, hostname] of wishes) {
    const isGone = ["gone.apps.test", "stopped.apps.test"].includes(hostname);
    assert.equal((await findCertificateOrder(db.kysely, hostname))?.status, isGone ? "cancelled" : "waiting");
  }
  assert.deepEqual(await giveUpOnce(deps, signal), []);
});
