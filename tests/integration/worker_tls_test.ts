/** Restate calls a worker over TLS when it trusts the authority of the worker's certificate. */
import assert from "node:assert/strict";
import { service } from "@restatedev/restate-sdk/fetch";
import { systemClock } from "../../pkg/clock/mod.ts";
import { StepActivity } from "../../pkg/durable/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { makeCertificate } from "../../pkg/testkit/certificate.ts";
import { openServerTls } from "../../pkg/tls/mod.ts";
import { type Endpoint, serveEndpoint } from "../../svc/ctrl/worker/restate/endpoint.ts";
import { register } from "../../svc/ctrl/worker/restate/admin.ts";
import { Part } from "../testbed/process.ts";
import { restatePart } from "../testbed/restate.ts";
import { freePort } from "../testbed/wait.ts";
import { WorkerBed } from "./worker_bed.ts";

const PROCESS = { clock: systemClock(), log: silentLogger() };

/** Serves one workflow over TLS. */
async function serve(
  identityKey: string,
  files: { certificate: string; privateKey: string },
): Promise<Endpoint> {
  const echo = service({
    name: "test.Echo",
    handlers: {
      // The sleep makes Restate come back, on a stream that goes both ways.
      say: async (context, text: string) => {
        await context.sleep(10);
        return `${text} ${text}`;
      },
    },
  });
  const tls = await openServerTls({ tlsCertFile: files.certificate, tlsKeyFile: files.privateKey }, PROCESS);
  return await serveEndpoint({
    services: [echo],
    hostname: "127.0.0.1",
    port: 0,
    portSetting: "--port",
    tls,
    identityKeys: [identityKey],
    identitySetting: "--keys",
    restateNow: () => systemClock().now(),
    activity: new StepActivity(),
    ...PROCESS,
  });
}

Deno.test("a worker with a certificate registers at https:// and deploys", async () => {
  const folder = await Deno.makeTempDir();
  const files = await makeCertificate(folder, ["DNS:localhost", "IP:127.0.0.1"]);
  const bed = await WorkerBed.startWith({
    worker: (part) => new Part(part),
    env: { UNKEY_TLS_CERT_FILE: files.certificate, UNKEY_TLS_KEY_FILE: files.privateKey },
    restateEnv: { SSL_CERT_FILE: files.authority },
  });
  try {
    const id = await bed.create("ok");
    await bed.workflows.submitDeploy(id);
    await bed.until(id, "ready");
    assert.match(await bed.worker.logTail(1_000), /registered with restate","uri":"https:/);
  } finally {
    await bed.stop();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("restate calls a worker over TLS with SSL_CERT_FILE, and does not without", async () => {
  const folder = await Deno.makeTempDir();
  const files = await makeCertificate(`${folder}/tls`, ["DNS:localhost", "IP:127.0.0.1"]);
  const ports = { ingress: freePort(), admin: freePort(), node: freePort() };
  const admin = { adminUrl: `http://127.0.0.1:${ports.admin}` };
  const signal = AbortSignal.timeout(120_000);
  for (const trusted of [false, true]) {
    const restate = await restatePart(folder, ports, trusted ? { SSL_CERT_FILE: files.authority } : {});
    await restate.start();
    const endpoint = await serve(restate.identityKey, files);
    try {
      const registered = register(admin, `https://localhost:${endpoint.port}`, signal);
      if (!trusted) {
        await assert.rejects(registered);
        continue;
      }
      await registered;
      const response = await fetch(`http://127.0.0.1:${ports.ingress}/test.Echo/say`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '"a"',
        signal,
      });
      assert.equal(await response.text(), '"a a"');
    } finally {
      await endpoint.shutdown();
      await restate.kill("SIGTERM");
    }
  }
  await Deno.remove(folder, { recursive: true });
});
