import assert from "node:assert/strict";
import { Fault } from "../../../../../pkg/fault/mod.ts";
import { ApiFault, type Cluster } from "../../../../../pkg/kube/mod.ts";
import { silentLogger } from "../../../../../pkg/logger/mod.ts";
import { findDnsServers } from "./dns_servers.ts";

const { signal } = new AbortController();

/** A cluster whose one answer is this. */
function cluster(answer: () => Response): Cluster {
  return {
    server: "https://127.0.0.1:1",
    // deno-lint-ignore require-await -- the answer may throw
    call: async () => answer(),
    close: () => undefined,
  };
}

function find(answer: () => Response, resolvConf?: string, given: readonly string[] = []): Promise<string[]> {
  return findDnsServers({ cluster: cluster(answer), given, resolvConf, log: silentLogger(), signal });
}

const SERVICE = (): Response => Response.json({ spec: { clusterIPs: ["10.96.0.10", "fd00::a"] } });

Deno.test("findDnsServers() finds the addresses of the Service, and of the agent's own pod", async () => {
  const resolvConf = "search x.svc\n# nameserver 9.9.9.9\nnameserver 169.254.20.10\nnameserver 127.0.0.53\n";
  assert.deepEqual(await find(SERVICE, resolvConf), ["169.254.20.10", "10.96.0.10", "fd00::a"]);
});

Deno.test("findDnsServers() takes the operator's first, each once", async () => {
  const given = ["169.254.25.10", "10.96.0.10"];
  assert.deepEqual(await find(SERVICE, undefined, given), [...given, "fd00::a"]);
});

/** An agent with the rights of before must start. */
Deno.test("findDnsServers() goes on when it may not read the Service, or there is none", async () => {
  const refused = (): Response => {
    throw new Fault("permission_denied", "no");
  };
  const missing = (): Response => {
    throw new ApiFault(404, "NotFound", "no", "no");
  };
  for (const answer of [refused, missing]) {
    assert.deepEqual(await find(answer, "nameserver 169.254.169.254"), ["169.254.169.254"]);
  }
});
