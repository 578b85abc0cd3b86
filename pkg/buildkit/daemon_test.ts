import assert from "node:assert/strict";
import { isFault } from "../fault/mod.ts";
import { daemonAddress } from "./daemon.ts";

Deno.test("daemonAddress() takes the forms that BuildKit's own client takes, and no others", () => {
  assert.deepEqual(daemonAddress("tcp://10.0.0.1:1234"), { kind: "tcp", baseUrl: "http://10.0.0.1:1234" });
  assert.deepEqual(daemonAddress("https://b.example/"), { kind: "tcp", baseUrl: "https://b.example" });
  assert.deepEqual(daemonAddress("unix:///run/b.sock"), { kind: "unix", path: "/run/b.sock" });
  for (const bad of ["", "buildkitd:1234", "docker-container://x", "tcp://user:x@h:1", "tcp://h:99999"]) {
    assert.throws(() => daemonAddress(bad), (error) => isFault(error, "invalid_argument"), bad);
  }
});
