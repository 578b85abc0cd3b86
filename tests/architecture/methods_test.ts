import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { SERVED } from "../../svc/ctrl/api/mount.ts";
import { policyOf } from "../../svc/ctrl/api/policies.ts";
import { sentinelToken, SERVICE_TOKEN, startApi, type TestApi } from "../../svc/ctrl/services/testing.ts";
import { CtrlService } from "../../proto/gen/ctrl/v1/ctrl_pb.ts";

/** The only methods that need no credentials, and their answers to an empty message. An addition is visible in review. */
const PUBLIC: Readonly<Record<string, Code | "ok">> = {
  "ctrl.v1.CtrlService/Liveness": "ok",
  "vault.v1.VaultService/Liveness": "ok",
  // Its credential is the code in the message.
  "ctrl.v1.AdminService/ExchangeLoginCode": Code.InvalidArgument,
  // The same, from pages of the dashboard only.
  "ctrl.v1.SessionService/StartSession": Code.PermissionDenied,
};

function* methods(): Generator<{ service: DescService; method: DescMethod; name: string }> {
  for (const service of SERVED) {
    for (const method of service.methods) {
      yield { service, method, name: `${service.typeName}/${method.name}` };
    }
  }
}

/** Calls a method with an empty message, over the wire, in the encoding of its kind. */
async function call(
  api: TestApi,
  method: DescMethod,
  token?: string,
  more: Record<string, string> = {},
): Promise<Code | "ok"> {
  const stream = method.methodKind !== "unary";
  const headers = {
    ...more,
    "content-type": stream ? "application/connect+json" : "application/json",
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  const body = new TextEncoder().encode("{}");
  const framed = new Uint8Array([0, 0, 0, 0, body.length, ...body]);
  const stop = new AbortController();
  const response = await fetch(`${api.url}/${method.parent.typeName}/${method.name}`, {
    method: "POST",
    headers,
    body: stream ? framed : body,
    signal: stop.signal,
  });
  if (!stream) return codeOf(await response.json(), response.ok);
  const reader = response.body?.getReader();
  const { value } = await reader?.read() ?? {};
  await reader?.cancel();
  const end = value?.[0] === 2;
  return codeOf(JSON.parse(new TextDecoder().decode(value?.subarray(5))), !end);
}

function codeOf(answer: unknown, ok: boolean): Code | "ok" {
  if (ok) return "ok";
  const failure = answer as { code?: string; error?: { code?: string } };
  const name = failure.error?.code ?? failure.code;
  if (name === undefined) return "ok";
  const code = Object.entries(Code).find(([each]) => each.toLowerCase() === name.replaceAll("_", ""))?.[1];
  return typeof code === "number" ? code : Code.Unknown;
}

/** Several methods of the original shipped without authentication; each was found from outside. */
Deno.test("every method refuses callers without credentials and with wrong ones, except the public ones", async (t) => {
  await using api = await startApi();
  const seen: string[] = [];
  let seenMethods = 0;
  for (const { method, name } of methods()) {
    seenMethods++;
    await t.step(name, async () => {
      const open = PUBLIC[name];
      if (open !== undefined) seen.push(name);
      const want = open ?? Code.Unauthenticated;
      assert.equal(await call(api, method), want, "without credentials");
      for (const token of ["unkey_wrong", "region_wrong", "sentinel_wrong", "wrong", `${SERVICE_TOKEN}x`]) {
        // Each method has a client of its own: the guesses of one are slowed down.
        const client = { "x-forwarded-for": `192.0.2.${seenMethods}` };
        assert.equal(await call(api, method, token, client), want, `with ${token}`);
      }
    });
  }
  assert.deepEqual(seen.toSorted(), Object.keys(PUBLIC).toSorted(), "every public method exists");
});

Deno.test("every method refuses credentials of another kind, and keys without the permission", async (t) => {
  await using api = await startApi();
  const { rootKey, workspaceId } = await api.tenant("acme");
  const { AdminService } = await import("../../proto/gen/ctrl/v1/admin_pb.ts");
  const { key: powerless } = await api.client(AdminService, SERVICE_TOKEN)
    .createRootKey({ workspaceId, permissions: ["project.proj_none.create_environment"] });
  const tokens = {
    root_key: rootKey,
    region: await api.regionToken("local.dev"),
    edge: await api.regionToken("*"),
    sentinel: await sentinelToken(api, await api.tenant("umbrella")),
    service: SERVICE_TOKEN,
  };
  for (const { service, method, name } of methods()) {
    const policy = policyOf(service, method);
    if (policy.kind === "public") continue;
    await t.step(name, async () => {
      const allowed = new Set<string>([policy.kind === "workspace" ? "root_key" : policy.kind]);
      if ("service" in policy && policy.service === true) allowed.add("service");
      if ("sentinel" in policy && policy.sentinel === true) allowed.add("sentinel");
      for (const [kind, token] of Object.entries(tokens)) {
        if (allowed.has(kind)) continue;
        assert.equal(await call(api, method, token), Code.PermissionDenied, kind);
      }
      if (!("permission" in policy) || policy.permission === "create_environment") return;
      assert.equal(await call(api, method, powerless), Code.PermissionDenied, "a key without the permission");
    });
  }
});

Deno.test("a revoked key stops working within seconds", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { AdminService } = await import("../../proto/gen/ctrl/v1/admin_pb.ts");
  const admin = api.client(AdminService, tenant.rootKey);
  const { keyId, key } = await admin.createRootKey({ permissions: ["*"] });
  const client = api.client(AdminService, key);
  await client.whoAmI({});
  await admin.revokeRootKey({ keyId });
  const deadline = performance.now() + 120_000;
  let code: Code | undefined;
  while (code === undefined && performance.now() < deadline) {
    code = await client.whoAmI({}).then(() => undefined, (error: unknown) => ConnectError.from(error).code);
  }
  assert.equal(code, Code.Unauthenticated);
});

/** A mounted service without a policy must not be reachable. */
Deno.test("a method without a policy is refused", async () => {
  const { SecretsService } = await import("../../proto/gen/krane/v1/secrets_pb.ts");
  const { admitByPolicy } = await import("../../svc/ctrl/api/policies.ts");
  const gate = admitByPolicy(() => Promise.resolve({ kind: "service" }), { certificates: false });
  const transport = createRouterTransport(
    (router) => router.service(SecretsService, { decryptSecretsBlob: () => ({}) }).service(CtrlService, {}),
    { router: { requestGate: gate } },
  );
  await assert.rejects(createClient(SecretsService, transport).decryptSecretsBlob({}), (error) => {
    assert.equal(ConnectError.from(error).code, Code.Internal);
    return true;
  });
});
