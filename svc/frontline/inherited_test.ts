import assert from "node:assert/strict";
import { isFault } from "../../pkg/fault/mod.ts";
import { inheritedSockets } from "./inherited.ts";

function of(variables: Readonly<Record<string, string>>) {
  return inheritedSockets((name) => variables[name], 7);
}

Deno.test("sockets that systemd passes to this process are taken in their order", () => {
  assert.equal(of({}), undefined);
  assert.equal(of({ LISTEN_FDS: "2", LISTEN_PID: "8" }), undefined, "they are for another process");
  assert.equal(of({ LISTEN_FDS: "0", LISTEN_PID: "7" }), undefined);
  assert.deepEqual(of({ LISTEN_FDS: "1", LISTEN_PID: "7" }), { http: 3, https: undefined });
  assert.deepEqual(of({ LISTEN_FDS: "2", LISTEN_PID: "7" }), { http: 3, https: 4 });
  assert.throws(
    () => of({ LISTEN_FDS: "3", LISTEN_PID: "7" }),
    (error) => isFault(error, "failed_precondition") && /ListenStream=/.test(error.message),
  );
});
