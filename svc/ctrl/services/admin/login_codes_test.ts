import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { ManualClock } from "../../../../pkg/testkit/manual_clock.ts";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { clock, eachRefused, failure, refused, SERVICE_TOKEN, startApi } from "../testing.ts";
import { GuessLimit } from "./guess_limit.ts";

Deno.test("a login code gives a root key once, with its permissions, and only hashes are stored", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const operator = api.client(AdminService, SERVICE_TOKEN);
  const permissions = ["project.*.read_project"];
  const { code, expiresAt, workspaceSlug } = await operator.createLoginCode({
    workspaceId: "acme",
    permissions,
  });
  assert.match(code, /^[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}$/);
  assert.equal(workspaceSlug, "acme");
  const minutes = (Number(expiresAt) - clock.now()) / 60_000;
  assert.ok(minutes > 9 && minutes <= 10, String(minutes));

  const stranger = api.client(AdminService);
  const typed = ` ${code.toLowerCase().replace("-", " ")} `;
  const { key, keyId } = await stranger.exchangeLoginCode({ code: typed, keyName: "laptop" });
  const who = await api.client(AdminService, key).whoAmI({});
  assert.deepEqual([who.workspaceSlug, who.keyId, who.permissions], ["acme", keyId, permissions]);
  await refused(stranger.exchangeLoginCode({ code }), Code.Unauthenticated, /wrong, was used before/);

  const admin = api.client(AdminService, tenant.rootKey);
  const names = (await admin.listRootKeys({})).keys.map(({ name }) => name);
  assert.ok(names.includes("laptop"), String(names));
  const actions = (await admin.listAuditLog({})).entries.map(({ action, actorName }) =>
    `${action} ${actorName}`
  );
  assert.deepEqual(actions.slice(0, 2), ["root_key.create login code", "login_code.create "]);
  const second = await admin.createLoginCode({ permissions: ["*"] });
  const stored = JSON.stringify(await api.db.kysely.selectFrom("login_codes").selectAll().execute());
  assert.ok(!stored.includes(second.code) && !stored.includes(second.code.replace("-", "")));
  assert.ok(!api.lines.some((line) => line.includes(second.code) || line.includes(code)), "nor logged");
});

Deno.test("a code that is exchanged twice at once gives one key", async () => {
  await using api = await startApi();
  await api.tenant("acme");
  const operator = api.client(AdminService, SERVICE_TOKEN);
  const { code } = await operator.createLoginCode({ workspaceId: "acme", permissions: ["*"] });
  const stranger = api.client(AdminService);
  const outcomes = await Promise.allSettled(
    Array.from({ length: 8 }, () => stranger.exchangeLoginCode({ code })),
  );
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
});

Deno.test("login codes are refused with the reason", async (t) => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const operator = api.client(AdminService, SERVICE_TOKEN);
  const admin = api.client(AdminService, tenant.rootKey);
  const { key } = await operator.createRootKey({
    workspaceId: "acme",
    permissions: ["workspace.manage_keys", "project.*.read_project"],
  });
  const narrow = api.client(AdminService, key);
  const stranger = api.client(AdminService);
  const expired = await operator.createLoginCode({
    workspaceId: "acme",
    permissions: ["*"],
    validSeconds: 60n,
  });
  await api.db.kysely.updateTable("login_codes").set({ expires_at: clock.now() }).execute();
  const all = ["*"];
  await eachRefused(t, [
    [
      "more than the caller has",
      () => narrow.createLoginCode({ permissions: all }),
      Code.PermissionDenied,
      /"\*"/,
    ],
    ["no permission", () => admin.createLoginCode({}), Code.InvalidArgument, /permissions/],
    [
      "too long",
      () => admin.createLoginCode({ permissions: all, validSeconds: 3_601n }),
      Code.InvalidArgument,
      /valid_seconds/,
    ],
    [
      "another workspace",
      () => admin.createLoginCode({ permissions: all, workspaceId: "globex" }),
      Code.NotFound,
      /globex/,
    ],
    [
      "an operator without a workspace",
      () => operator.createLoginCode({ permissions: all }),
      Code.InvalidArgument,
      /workspace_id/,
    ],
    ["no code", () => stranger.exchangeLoginCode({}), Code.InvalidArgument, /code is required/],
    [
      "an expired code",
      () => stranger.exchangeLoginCode({ code: expired.code }),
      Code.Unauthenticated,
      /login-codes create/,
    ],
    ["a wrong code", () => stranger.exchangeLoginCode({ code: "AAAA-AAAA" }), Code.Unauthenticated, /wrong/],
  ]);
  await operator.createLoginCode({ workspaceId: "acme", permissions: all });
  const { length } = await api.db.kysely.selectFrom("login_codes").select("hash").execute();
  assert.equal(length, 1, "a new code makes place");
});

/** A code is short: it must not be found by trying. */
Deno.test("after thirty wrong codes in a minute no code is looked at, and in the next minute it is", async () => {
  await using api = await startApi();
  await api.tenant("acme");
  const operator = api.client(AdminService, SERVICE_TOKEN);
  const { code } = await operator.createLoginCode({ workspaceId: "acme", permissions: ["*"] });
  const stranger = api.client(AdminService);
  for (let guess = 0; guess < 30; guess++) {
    assert.equal(
      (await failure(stranger.exchangeLoginCode({ code: `x${guess}` }))).code,
      Code.Unauthenticated,
    );
  }
  await refused(stranger.exchangeLoginCode({ code }), Code.ResourceExhausted, /too many wrong codes/);

  const time = new ManualClock();
  const limit = new GuessLimit(time);
  for (let guess = 0; guess < 30; guess++) limit.wrong();
  assert.throws(() => {
    limit.check();
    for (let guess = 0; guess < 30; guess++) limit.wrong();
    limit.check();
  }, /too many/);
  await time.advance(60_000);
  limit.check();
});
