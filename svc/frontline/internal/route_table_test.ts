import assert from "node:assert/strict";
import { type RouteChange, RouteTable } from "./route_table.ts";

function route(routeId: string, hostname: string, deploymentId: string): RouteChange {
  return {
    kind: "apply_route",
    route: {
      routeId,
      hostname,
      deploymentId,
      environmentId: "env_1",
      workspaceId: "ws_1",
      stopped: false,
      redirectHostname: "",
    },
  };
}

function endpoints(deploymentId: string, ...addresses: string[]): RouteChange {
  return {
    kind: "apply_endpoints",
    deploymentId,
    endpoints: addresses.map((address) => ({ instanceId: `ins_${address}`, address, region: "here" })),
    protocol: "",
  };
}

/** A table with a host whose deployment has one instance, and the keys of instances that left. */
function start(): { table: RouteTable; left: string[] } {
  const left: string[] = [];
  const table = new RouteTable((key) => void left.push(key));
  table.apply(endpoints("d_1", "10.0.0.1:80"), 0);
  table.apply(route("ir_1", "app.localhost", "d_1"), 0);
  return { table, left };
}

function targetOf(table: RouteTable, host: string): { deployment: string; hosts: string[] } | undefined {
  const found = table.lookup(host);
  return found && { deployment: found.route.deploymentId, hosts: found.instances.map((each) => each.host) };
}

Deno.test("RouteTable finds exactly the host that was routed", () => {
  const { table } = start();
  assert.deepEqual(targetOf(table, "app.localhost"), { deployment: "d_1", hosts: ["10.0.0.1"] });
  for (const other of ["localhost", "x.app.localhost", "app.localhost.", "App.localhost", ""]) {
    assert.equal(table.lookup(other), undefined);
  }
});

/** The feed coalesces, so that a route can come before the instances of its deployment. No request may notice that. */
Deno.test("RouteTable moves a route once its new deployment has an instance", () => {
  const { table } = start();
  table.apply(route("ir_1", "app.localhost", "d_2"), 0);
  assert.equal(table.hasWaiting, true);
  assert.equal(targetOf(table, "app.localhost")?.deployment, "d_1");
  table.apply(endpoints("d_2", "10.0.0.2:80"), 0);
  assert.equal(table.hasWaiting, false);
  assert.deepEqual(targetOf(table, "app.localhost"), { deployment: "d_2", hosts: ["10.0.0.2"] });
});

Deno.test("RouteTable moves a route to a deployment without instances when its time is up", () => {
  const { table } = start();
  table.apply(route("ir_1", "app.localhost", "d_2"), 1_000);
  table.moveWaiting(1_000);
  assert.equal(targetOf(table, "app.localhost")?.deployment, "d_1");
  table.moveWaiting(1_001);
  assert.deepEqual(targetOf(table, "app.localhost"), { deployment: "d_2", hosts: [] });
});

Deno.test("RouteTable reports each instance that leaves once", () => {
  const { table, left } = start();
  table.apply(endpoints("d_1", "10.0.0.1:80", "10.0.0.3:80"), 0);
  assert.deepEqual(left, []);
  table.apply(endpoints("d_1", "10.0.0.3:80"), 0);
  assert.deepEqual(left, ["ins_10.0.0.1:80@10.0.0.1:80"]);
  table.apply({ kind: "delete_endpoints", deploymentId: "d_1" }, 0);
  assert.deepEqual(left, ["ins_10.0.0.1:80@10.0.0.1:80", "ins_10.0.0.3:80@10.0.0.3:80"]);
  assert.deepEqual(targetOf(table, "app.localhost"), { deployment: "d_1", hosts: [] });
});

Deno.test("RouteTable drops resources that a snapshot lacks", () => {
  const { table, left } = start();
  table.apply(route("ir_2", "other.localhost", "d_1"), 0);
  table.keepOnly(new Set(["route/ir_2"]));
  assert.equal(table.lookup("app.localhost"), undefined);
  assert.deepEqual(targetOf(table, "other.localhost"), { deployment: "d_1", hosts: [] });
  assert.equal(left.length, 1);
});

Deno.test("RouteTable keeps a host that has passed to another route when the former route is deleted", () => {
  const { table } = start();
  table.apply(route("ir_2", "app.localhost", "d_1"), 0);
  table.apply({ kind: "delete_route", routeId: "ir_1", hostname: "app.localhost" }, 0);
  assert.equal(table.lookup("app.localhost")?.route.routeId, "ir_2");
});

Deno.test("RouteTable forgets the former host of a route that is renamed", () => {
  const { table } = start();
  table.apply(route("ir_1", "New.localhost", "d_1"), 0);
  assert.equal(table.lookup("app.localhost"), undefined);
  assert.deepEqual(targetOf(table, "new.localhost"), { deployment: "d_1", hosts: ["10.0.0.1"] });
});

Deno.test("RouteTable reads addresses of both families and skips invalid ones", () => {
  const table = new RouteTable();
  table.apply(
    endpoints(
      "d_1",
      "[::1]:80",
      "app.internal:8080",
      "10.0.0.1",
      "10.0.0.1:0",
      "10.0.0.1:70000",
      "::1:80",
      "a b:80",
    ),
    0,
  );
  table.apply(route("ir_1", "app.localhost", "d_1"), 0);
  assert.deepEqual(table.lookup("app.localhost")?.instances.map(({ host, port }) => [host, port]), [
    ["::1", 80],
    ["app.internal", 8080],
  ]);
});

Deno.test("RouteTable knows the regions that are down, until their end or a snapshot without them", () => {
  const { table } = start();
  const down = () => ["a", "b"].filter((region) => table.isDown(region));
  table.apply({ kind: "apply_down_region", region: "a" }, 0);
  table.apply({ kind: "apply_down_region", region: "b" }, 0);
  assert.deepEqual(down(), ["a", "b"]);
  table.apply({ kind: "delete_down_region", region: "a" }, 0);
  table.apply({ kind: "delete_down_region", region: "a" }, 0);
  assert.deepEqual(down(), ["b"]);
  table.keepOnly(new Set(["down_region/b"]));
  assert.deepEqual(down(), ["b"]);
  table.keepOnly(new Set());
  assert.deepEqual(down(), []);
});
