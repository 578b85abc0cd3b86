import assert from "node:assert/strict";
import { parseId } from "../../../../pkg/uid/mod.ts";
import {
  includesPermission,
  isPermission,
  mayInProject,
  mayInSomeProject,
  mayInWorkspace,
} from "./permissions.ts";
import type { RootKeyPrincipal } from "./principal.ts";

function key(...permissions: string[]): RootKeyPrincipal {
  const workspaceId = parseId("workspace", "workspace", "ws_1");
  return { kind: "root_key", workspaceId, keyId: "key_1", keyName: "ci", permissions: new Set(permissions) };
}

Deno.test("a permission holds for its own project and action only, unless it has a star", () => {
  const one = key("project.proj_1.create_deployment");
  assert.equal(mayInProject(one, "create_deployment", "proj_1"), true);
  assert.equal(mayInProject(one, "create_deployment", "proj_2"), false);
  assert.equal(mayInProject(one, "read_deployment", "proj_1"), false);
  assert.equal(mayInProject(one, "create_deployment", "*"), false);
  assert.equal(mayInSomeProject(one, "create_deployment"), true);
  assert.equal(mayInSomeProject(one, "read_deployment"), false);
  assert.equal(mayInProject(key("project.*.read_logs"), "read_logs", "proj_9"), true);
  assert.equal(mayInProject(key("*"), "promote_deployment", "proj_9"), true);
  assert.equal(mayInWorkspace(one, "manage_keys"), false);
  assert.equal(mayInWorkspace(key("workspace.manage_keys"), "manage_keys"), true);
});

Deno.test("isPermission() knows the grammar", () => {
  for (
    const good of ["*", "project.*.read_logs", "project.proj_a1.create_deployment", "workspace.read_status"]
  ) {
    assert.equal(isPermission(good), true, good);
  }
  for (const bad of ["", "**", "project.*", "project.*.fly", "project.x.read_logs", "workspace.*", "* "]) {
    assert.equal(isPermission(bad), false, bad);
  }
});

/** Otherwise a key could make itself a stronger one. */
Deno.test("includesPermission() passes on nothing that is wider than what is held", () => {
  assert.equal(includesPermission(new Set(["project.*.read_logs"]), "project.proj_1.read_logs"), true);
  assert.equal(includesPermission(new Set(["project.proj_1.read_logs"]), "project.*.read_logs"), false);
  assert.equal(includesPermission(new Set(["project.*.read_logs"]), "*"), false);
  assert.equal(includesPermission(new Set(["*"]), "workspace.manage_keys"), true);
});
