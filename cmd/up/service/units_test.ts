import assert from "node:assert/strict";
import { unitFiles } from "./units.ts";

const FILES = unitFiles({ httpPort: 80, httpsPort: 443, dockerGroup: "docker" });

/** The values of a setting in a unit file, in order. */
function valuesOf(unit: string, name: string): readonly string[] {
  const lines = (FILES[unit] ?? "").split("\n");
  return lines.filter((line) => line.startsWith(`${name}=`)).map((line) => line.slice(name.length + 1));
}

const SERVICES = ["unkey.service", "unkey-edge.service", "unkey-edge-next.service"];

Deno.test("the services have no privilege, come back by themselves, and log to the journal", () => {
  for (const unit of SERVICES) {
    assert.deepEqual(valuesOf(unit, "CapabilityBoundingSet"), [""], unit);
    assert.deepEqual(valuesOf(unit, "AmbientCapabilities"), [""], unit);
    assert.deepEqual(valuesOf(unit, "DynamicUser"), ["yes"], unit);
    assert.deepEqual(valuesOf(unit, "Restart"), ["always"], unit);
    assert.deepEqual(valuesOf(unit, "StandardError"), ["journal"], unit);
    assert.deepEqual(valuesOf(unit, "Type"), ["notify"], unit);
  }
  assert.deepEqual(valuesOf("unkey.service", "SupplementaryGroups"), ["docker"]);
  assert.deepEqual(valuesOf("unkey-edge.service", "SupplementaryGroups"), [], "the edge needs no Docker");
  const remote = unitFiles({ httpPort: 80, httpsPort: 443, dockerGroup: undefined });
  assert.doesNotMatch(remote["unkey.service"] ?? "", /SupplementaryGroups/);
});

Deno.test("both edges listen on the sockets that systemd holds, HTTP first", () => {
  assert.deepEqual(valuesOf("unkey-edge.socket", "ListenStream"), ["80", "443"]);
  for (const unit of SERVICES.slice(1)) assert.deepEqual(valuesOf(unit, "Sockets"), ["unkey-edge.socket"]);
  assert.deepEqual(
    valuesOf("unkey-edge-next.service", "WantedBy"),
    [],
    "the second one is for upgrades only",
  );
  assert.deepEqual(valuesOf("unkey-edge.service", "WantedBy"), ["multi-user.target"]);
});

Deno.test("data is in the service's own folder, readable by it alone", () => {
  assert.deepEqual(valuesOf("unkey.service", "StateDirectory"), ["unkey"]);
  assert.deepEqual(valuesOf("unkey.service", "StateDirectoryMode"), ["0700"]);
  assert.match(FILES["unkey.service"] ?? "", /UNKEY_DATA_DIR=\/var\/lib\/unkey /);
  assert.deepEqual(valuesOf("unkey.service", "EnvironmentFile"), ["/etc/unkey/up.env"]);
});

Deno.test("the edge goes before the platform, and both before the engine, its builds and its apps", () => {
  const weights = SERVICES.map((unit) =>
    [...valuesOf(unit, "CPUWeight"), ...valuesOf(unit, "IOWeight")].map(Number)
  );
  const [platform = [], edge = [], next] = weights;
  assert.deepEqual(edge, next);
  for (const at of [0, 1]) {
    assert.ok((edge[at] ?? 0) > (platform[at] ?? 0) && (platform[at] ?? 0) > 100, String(weights));
  }
});
