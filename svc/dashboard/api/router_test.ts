import assert from "node:assert/strict";
import { routeOf } from "./router.ts";

Deno.test("each address has its page, and all others none", () => {
  assert.deepEqual(routeOf("/"), { page: "overview" });
  assert.deepEqual(routeOf("/login", "#login_abc"), { page: "login", code: "login_abc" });
  assert.deepEqual(routeOf("/login"), { page: "login", code: "" });
  assert.deepEqual(routeOf("/sessions"), { page: "sessions" });
  assert.deepEqual(routeOf("/deployments/d_1aB"), { page: "deployment", id: "d_1aB" });
  for (
    const path of ["/deployments", "/deployments/", "/deployments/a/b", "/deployments/%3Cb%3E", "/x", "//"]
  ) {
    assert.deepEqual(routeOf(path), { page: "missing" }, path);
  }
});
