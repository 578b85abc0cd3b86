import assert from "node:assert/strict";
import { Tenants } from "./tenants.ts";

const MINE = { name: "shop", workspaceId: "ws_1" };
const OTHERS = { name: "evil", workspaceId: "ws_2" };

/** Its apps would reach the machine's ports and the credentials that the cloud gives to the machine. */
Deno.test("a second workspace is refused while the first one has apps, and is taken when they are gone", () => {
  const tenants = new Tenants(false);
  tenants.admit(MINE);
  tenants.admit({ ...MINE, name: "blog" });
  assert.throws(() => tenants.admit(OTHERS), {
    code: "failed_precondition",
    publicMessage: /one workspace only.*UNKEY_DOCKER_WORKSPACES/,
  });
  tenants.admit(MINE);
  tenants.forget("shop");
  assert.throws(() => tenants.admit(OTHERS), { code: "failed_precondition" });
  tenants.forget("blog");
  tenants.admit(OTHERS);
});

Deno.test("apps that run already are known after a start of the agent, also those of several workspaces", () => {
  const tenants = new Tenants(false);
  tenants.recover([MINE, OTHERS]);
  tenants.admit(OTHERS);
  assert.throws(() => tenants.admit({ name: "third", workspaceId: "ws_3" }), { code: "failed_precondition" });
});

Deno.test("many workspaces are taken where the operator says so", () => {
  const tenants = new Tenants(true);
  tenants.admit(MINE);
  tenants.admit(OTHERS);
});
