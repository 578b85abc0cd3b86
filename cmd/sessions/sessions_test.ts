import assert from "node:assert/strict";
import { publicFault } from "../../pkg/fault/mod.ts";
import { access, NOW, onlyJson, startControlPlane, unkey } from "../shared/testing.ts";

const SESSION = {
  id: "sess_1",
  keyId: "key_1",
  keyName: "laptop",
  browser: "Firefox on Linux",
  createdAt: BigInt(NOW - 7_200_000),
  lastSeenAt: BigInt(NOW - 120_000),
  expiresAt: BigInt(NOW + 3 * 86_400_000),
};

function controlPlane(
  sessions: readonly (typeof SESSION)[] = [SESSION, { ...SESSION, id: "sess_2", keyName: "" }],
) {
  return startControlPlane({
    session: {
      listSessions: () => ({ sessions: [...sessions] }),
      revokeSession({ sessionId }) {
        if (sessionId !== "sess_1") throw publicFault("not_found", `Session "${sessionId}" was not found.`);
        return {};
      },
    },
  });
}

Deno.test("sessions list shows browsers with their keys", async () => {
  await using api = await controlPlane();
  const env = access(api.url);
  assert.equal(
    (await unkey(["sessions", "list"], { env })).stdout,
    `SESSION  BROWSER           KEY     AGE  SEEN  ENDS IN
sess_1   Firefox on Linux  laptop  2h   2m    3d
sess_2   Firefox on Linux  key_1   2h   2m    3d
`,
  );
  const { sessions } = onlyJson(await unkey(["sessions", "list", "--json"], { env })) as {
    sessions: unknown[];
  };
  assert.deepEqual(sessions[0], {
    ...SESSION,
    createdAt: NOW - 7_200_000,
    lastSeenAt: NOW - 120_000,
    expiresAt: NOW + 3 * 86_400_000,
  });
});

Deno.test("sessions list without sessions prints an empty table or list", async () => {
  await using api = await controlPlane([]);
  const env = access(api.url);
  assert.equal((await unkey(["sessions", "list"], { env })).code, 0);
  assert.deepEqual(onlyJson(await unkey(["sessions", "list", "--json"], { env })), { sessions: [] });
});

Deno.test("sessions revoke ends a session, or says that there is none", async () => {
  await using api = await controlPlane();
  const env = access(api.url);
  const done = await unkey(["sessions", "revoke", "sess_1"], { env });
  assert.deepEqual([done.code, done.stdout, done.stderr], [0, "", "revoked sess_1\n"]);
  assert.deepEqual(onlyJson(await unkey(["sessions", "revoke", "sess_1", "--json"], { env })), {
    id: "sess_1",
    revoked: true,
  });
  const none = await unkey(["sessions", "revoke", "sess_9"], { env });
  assert.equal(none.code, 1);
  assert.match(none.stderr, /Session "sess_9" was not found/);
});
