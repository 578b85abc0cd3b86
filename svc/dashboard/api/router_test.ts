import assert from "node:assert/strict";
import { routeOf } from "./router.ts";

Deno.test("each address has its page, and all others none", () => {
  assert.deepEqual(routeOf("/"), { page: "overview" });
  assert.deepEqual(routeOf("/login", "#login_abc"), { page: "login", code: "login_abc", to: "/" });
  assert.deepEqual(routeOf("/login"), { page: "login", code: "", to: "/" });
  assert.deepEqual(routeOf("/sessions"), { page: "sessions" });
  assert.deepEqual(routeOf("/deployments/d_1aB"), { page: "deployment", id: "d_1aB", line: "" });
  const linked = routeOf("/deployments/d_1", "", "?line=e12.3");
  assert.deepEqual(linked, { page: "deployment", id: "d_1", line: "e12.3" });
  const place = { projectId: "proj_1aB", environmentSlug: "pre-view" };
  assert.deepEqual(routeOf("/environments/proj_1aB/pre-view"), { page: "environment", ...place });
  const metrics = { page: "metrics", ...place, query: { since: "1d", region: "" } };
  assert.deepEqual(routeOf("/environments/proj_1aB/pre-view/metrics", "", "?since=1d"), metrics);
  assert.equal(routeOf("/logs", "", "?level=error").page, "logs");
  assert.deepEqual(routeOf("/keys"), { page: "keys" });
  assert.deepEqual(routeOf("/platform"), { page: "platform" });
  assert.deepEqual(routeOf("/audit"), { page: "audit" });
  assert.deepEqual(routeOf("/deployments"), { page: "deployments" });
  for (
    const path of ["/environments/shop/production", "/environments/proj_1", "/environments/proj_1/../x"]
  ) {
    assert.deepEqual(routeOf(path), { page: "missing" }, path);
  }
  for (
    const path of ["/deployments/", "/deployments/a/b", "/deployments/%3Cb%3E", "/x", "//"]
  ) {
    assert.deepEqual(routeOf(path), { page: "missing" }, path);
  }
});

Deno.test("a login link leads to a page of the dashboard and nowhere else", () => {
  const after = (to: string): string => {
    const route = routeOf("/login", `#login_abc&to=${encodeURIComponent(to)}`);
    return route.page === "login" && route.code === "login_abc" ? route.to : "none";
  };
  for (
    const page of [
      "/deployments/d_1",
      "/logs?deployment=d_1",
      "/environments/proj_1/preview/metrics?since=1d",
    ]
  ) {
    assert.equal(after(page), page);
  }
  for (
    const other of [
      "",
      "https://evil.example/logs",
      "//evil.example/logs",
      "javascript:1",
      "/x",
      "/login",
      "\\\\evil",
    ]
  ) {
    assert.equal(after(other), "/", other);
  }
  const broken = routeOf("/login", "#login_abc&to=%E0%A4%A");
  assert.deepEqual(broken, { page: "login", code: "login_abc", to: "/" });
});
