/** Rules of sessions, cookies and login links, over the wire. */
import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { SessionService } from "../../../../proto/gen/ctrl/v1/session_pb.ts";
import { SESSION_IDLE_MS, SESSION_MS_MAX } from "../../internal/auth/session_times.ts";
import { eventually, refused, startApi, type TestApi } from "../testing.ts";
import { callAsPage, hostOf, startSession } from "./testing.ts";

async function linkOf(api: TestApi, rootKey: string): Promise<URL> {
  return new URL((await api.client(SessionService, rootKey).createLoginLink({})).url);
}

function codeOf(body: string): string {
  return JSON.parse(body).code;
}

async function whoAmI(api: TestApi, cookie: string, changes = {}) {
  return await callAsPage(api, "AdminService/WhoAmI", {}, { cookie, ...changes });
}

Deno.test("a login link starts one session, which acts with the key that made it", async () => {
  await using api = await startApi();
  const { rootKey } = await api.tenant("acme");
  const link = await linkOf(api, rootKey);
  assert.equal(link.host, hostOf(api));
  assert.match(link.hash, /^#login_[1-9A-HJ-NP-Za-km-z]{40,}$/);
  assert.equal(link.search, "");
  const { id, cookie, setCookie } = await startSession(api, link);
  assert.match(
    setCookie,
    /^__Host-unkey=session_\w{40,}; Max-Age=\d+; Path=\/; Secure; HttpOnly; SameSite=Strict$/,
  );
  const own = JSON.parse((await whoAmI(api, cookie)).body);
  const key = await api.client(AdminService, rootKey).whoAmI({});
  assert.deepEqual([own.keyId, own.workspaceSlug, own.permissions], [key.keyId, "acme", ["*"]]);
  const again = await callAsPage(api, "SessionService/StartSession", { code: link.hash.slice(1) });
  assert.deepEqual([again.status, codeOf(again.body)], [401, "unauthenticated"]);
  assert.equal(again.headers["set-cookie"], undefined);
  const { sessions } = await api.client(SessionService, rootKey).listSessions({});
  assert.deepEqual(sessions.map((each) => [each.id, each.browser, each.current]), [[
    id,
    "Chrome on Linux",
    false,
  ]]);
  const life = Number(sessions[0]?.expiresAt) - Number(sessions[0]?.createdAt);
  assert.equal(life, SESSION_MS_MAX);
});

Deno.test("the database has no cookie and no code, only their hashes", async () => {
  await using api = await startApi();
  const { rootKey } = await api.tenant("acme");
  const link = await linkOf(api, rootKey);
  const codes = await api.db.kysely.selectFrom("login_codes").selectAll().execute();
  const { cookie } = await startSession(api, link);
  const sessions = await api.db.kysely.selectFrom("sessions").selectAll().execute();
  const stored = JSON.stringify([codes, sessions]);
  assert.ok(codes.length === 1 && sessions.length === 1);
  assert.ok(!stored.includes(link.hash.slice(1)) && !stored.includes(cookie.split("=")[1] ?? "none"));
});

Deno.test("a cookie is taken from the dashboard's own pages only", async (t) => {
  await using api = await startApi();
  const { rootKey } = await api.tenant("acme");
  const { cookie } = await startSession(api, await linkOf(api, rootKey));
  const own = `http://${hostOf(api)}`;
  const taken: Readonly<Record<string, Record<string, string | undefined>>> = {
    "a page of the dashboard": {},
    "a browser without Sec-Fetch-Site": { "sec-fetch-site": undefined, origin: own },
  };
  for (const [name, changes] of Object.entries(taken)) {
    await t.step(name, async () => assert.equal((await whoAmI(api, cookie, changes)).status, 200));
  }
  const refusals: Readonly<Record<string, Record<string, string | undefined>>> = {
    "a page of another site": { "sec-fetch-site": "cross-site", origin: own },
    "a page of the same site, such as an app's": { "sec-fetch-site": "same-site" },
    "an address that was typed": { "sec-fetch-site": "none" },
    "neither header": { "sec-fetch-site": undefined },
    "another origin": { "sec-fetch-site": undefined, origin: "http://hello.localhost:7070" },
    "an opaque origin": { "sec-fetch-site": undefined, origin: "null" },
    "another port of the same name": { "sec-fetch-site": undefined, origin: "http://dashboard.localhost:1" },
    "another host": { host: `127.0.0.1:${api.port}` },
    "a name that a stranger's DNS gives": { host: `evil.example:${api.port}` },
    "no header of the protocol, like a form": { "connect-protocol-version": undefined },
  };
  for (const [name, changes] of Object.entries(refusals)) {
    await t.step(name, async () => {
      const answer = await whoAmI(api, cookie, changes);
      assert.deepEqual([answer.status, codeOf(answer.body)], [403, "permission_denied"], answer.body);
      assert.equal(answer.headers["access-control-allow-origin"], undefined);
    });
  }
});

Deno.test("a request with a cookie and a bearer token is refused, and so is a session as a bearer token", async () => {
  await using api = await startApi();
  const { rootKey } = await api.tenant("acme");
  const { cookie } = await startSession(api, await linkOf(api, rootKey));
  const both = await whoAmI(api, cookie, { authorization: `Bearer ${rootKey}` });
  assert.deepEqual([both.status, codeOf(both.body)], [401, "unauthenticated"]);
  const session = cookie.split("=")[1] ?? "";
  const bearer = await whoAmI(api, "", { cookie: undefined, authorization: `Bearer ${session}` });
  assert.equal(bearer.status, 401);
  for (const wrong of ["", "unkey_x", `${session}x`, `${session.slice(0, -1)}`, `"${session}"`, rootKey]) {
    assert.equal((await whoAmI(api, `__Host-unkey=${wrong}`)).status, 401, wrong);
  }
  assert.equal((await whoAmI(api, `${cookie}; ${cookie}`)).status, 401, "two of them");
  assert.equal((await whoAmI(api, `theme=dark; ${cookie}; a=b`)).status, 200, "among others");
  assert.equal((await whoAmI(api, `unkey=${session}`)).status, 401, "of another name");
  const rest = await callAsPage(api, "x", {}, { cookie });
  assert.equal(rest.status, 404);
});

Deno.test("a login from another page sets no cookie", async () => {
  await using api = await startApi();
  const { rootKey } = await api.tenant("acme");
  const code = (await linkOf(api, rootKey)).hash.slice(1);
  for (const changes of [{ "sec-fetch-site": "cross-site" }, { host: `localhost:${api.port}` }]) {
    const answer = await callAsPage(api, "SessionService/StartSession", { code }, changes);
    assert.deepEqual([answer.status, answer.headers["set-cookie"]], [403, undefined]);
  }
  const used = await callAsPage(api, "SessionService/StartSession", { code });
  assert.equal(used.status, 200, "the refusals have not used it up");
});

Deno.test("a login gives a new session, and ends the one that the browser had", async () => {
  await using api = await startApi();
  const { rootKey } = await api.tenant("acme");
  const first = await startSession(api, await linkOf(api, rootKey));
  const { cookie } = first;
  const second = await startSession(api, await linkOf(api, rootKey), { cookie });
  assert.notEqual(second.cookie, first.cookie);
  const { sessions } = await api.client(SessionService, rootKey).listSessions({});
  assert.deepEqual(sessions.map(({ id }) => id), [second.id]);
  await ends(api, first.cookie);
  assert.equal((await whoAmI(api, second.cookie)).status, 200);
});

async function ends(api: TestApi, cookie: string): Promise<void> {
  await eventually("the end of the session", async () => (await whoAmI(api, cookie)).status === 401);
}

Deno.test("a session ends with a logout, a revocation, and its key", async (t) => {
  await using api = await startApi();
  const { rootKey } = await api.tenant("acme");
  const client = api.client(SessionService, rootKey);
  await t.step("logout", async () => {
    const { cookie } = await startSession(api, await linkOf(api, rootKey));
    const answer = await callAsPage(api, "SessionService/EndSession", {}, { cookie });
    assert.equal(answer.status, 200);
    assert.match(String(answer.headers["set-cookie"]), /^__Host-unkey=; Max-Age=0; Path=\/; Secure/);
    await ends(api, cookie);
  });
  await t.step("revocation", async () => {
    const { id, cookie } = await startSession(api, await linkOf(api, rootKey));
    await client.revokeSession({ sessionId: id });
    await ends(api, cookie);
    await refused(client.revokeSession({ sessionId: id }), Code.NotFound, /was not found, or has ended/);
  });
  await t.step("its key", async () => {
    const admin = api.client(AdminService, rootKey);
    const { key, keyId } = await admin.createRootKey({
      name: "laptop",
      permissions: ["project.*.read_project"],
    });
    const link = await linkOf(api, key);
    const unused = await linkOf(api, key);
    const { cookie } = await startSession(api, link);
    await admin.revokeRootKey({ keyId });
    await ends(api, cookie);
    const late = await callAsPage(api, "SessionService/StartSession", { code: unused.hash.slice(1) });
    assert.equal(late.status, 401, "its links, too");
    assert.deepEqual((await client.listSessions({})).sessions, []);
  });
  const { entries } = await api.client(AdminService, rootKey).listAuditLog({});
  const acts = entries.map(({ action }) => action).filter((each) => each.startsWith("session."));
  assert.deepEqual(acts, [
    "session.start",
    "session.revoke",
    "session.start",
    "session.end",
    "session.start",
  ]);
});

Deno.test("a session ends without use, and after a week in any case", async () => {
  await using api = await startApi();
  const { rootKey } = await api.tenant("acme");
  const client = api.client(SessionService, rootKey);
  const set = async (id: string, row: { last_seen_at?: number; expires_at?: number }): Promise<void> => {
    await api.db.kysely.updateTable("sessions").set(row).where("id", "=", id).execute();
  };
  const idle = await startSession(api, await linkOf(api, rootKey));
  await set(idle.id, { last_seen_at: Date.now() - SESSION_IDLE_MS - 1_000 });
  await ends(api, idle.cookie);
  const old = await startSession(api, await linkOf(api, rootKey));
  await set(old.id, { expires_at: Date.now() - 1_000 });
  await ends(api, old.cookie);
  assert.deepEqual((await client.listSessions({})).sessions, []);
  const used = await startSession(api, await linkOf(api, rootKey));
  const beforeMs = Date.now() - SESSION_IDLE_MS / 2;
  await set(used.id, { last_seen_at: beforeMs });
  await eventually("the note of its use", async () => {
    await whoAmI(api, used.cookie);
    return Number((await client.listSessions({})).sessions[0]?.lastSeenAt) > beforeMs;
  });
});

Deno.test("a key sees and revokes its own sessions, and all of them if it manages keys", async () => {
  await using api = await startApi();
  const [own, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const admin = api.client(AdminService, own.rootKey);
  const { key } = await admin.createRootKey({ name: "ci", permissions: ["project.*.read_project"] });
  const [ofCi, ofAll] = [api.client(SessionService, key), api.client(SessionService, own.rootKey)];
  const ci = await startSession(api, await linkOf(api, key));
  const all = await startSession(api, await linkOf(api, own.rootKey));
  const foreign = await startSession(api, await linkOf(api, other.rootKey));
  const ids = async (client: typeof ofCi): Promise<string[]> =>
    (await client.listSessions({})).sessions.map(({ id }) => id).toSorted();
  assert.deepEqual(await ids(ofCi), [ci.id]);
  assert.deepEqual(await ids(ofAll), [ci.id, all.id].toSorted());
  await refused(ofCi.revokeSession({ sessionId: all.id }), Code.NotFound, /was not found/);
  await refused(ofAll.revokeSession({ sessionId: foreign.id }), Code.NotFound, /was not found/);
  await ofAll.revokeSession({ sessionId: ci.id });
  assert.deepEqual(await ids(ofCi), []);
  const link = await callAsPage(api, "SessionService/CreateLoginLink", {}, { cookie: all.cookie });
  assert.deepEqual([link.status, codeOf(link.body)], [403, "permission_denied"], "a session makes no links");
  await refused(ofAll.endSession({}), Code.FailedPrecondition, /made with a root key/);
});

Deno.test("wrong codes of one client are slowed down, and its right ones with them", async () => {
  await using api = await startApi();
  const { rootKey } = await api.tenant("acme");
  const headers = { "x-forwarded-for": "192.0.2.7" };
  const login = (code: string, changes = headers) =>
    callAsPage(api, "SessionService/StartSession", { code }, changes);
  let last = await login("login_wrong");
  for (let n = 0; n < 150 && last.status === 401; n++) last = await login(`login_wrong${n}`);
  assert.equal(last.status, 429);
  const code = (await linkOf(api, rootKey)).hash.slice(1);
  assert.equal((await login(code)).status, 429);
  assert.equal((await login(code, { "x-forwarded-for": "192.0.2.8" })).status, 200);
});

Deno.test("a code for a root key starts no session, and one of a link gives no key", async () => {
  await using api = await startApi();
  const { rootKey } = await api.tenant("acme");
  const admin = api.client(AdminService, rootKey);
  const { code } = await admin.createLoginCode({ permissions: ["*"] });
  const started = await callAsPage(api, "SessionService/StartSession", { code });
  assert.equal(started.status, 401);
  const link = (await linkOf(api, rootKey)).hash.slice(1);
  await refused(admin.exchangeLoginCode({ code: link.slice(0, 64) }), Code.Unauthenticated, /wrong/);
});
