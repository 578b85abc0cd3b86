import assert from "node:assert/strict";
import { access, onlyJson, ROOT_KEY, startControlPlane, unkey } from "../shared/testing.ts";

const LIMITS = [
  { name: "projects", value: 100n, used: 3n, about: "projects" },
  { name: "streams", value: 5n, used: 0n, isSet: true, about: "open streams" },
  { name: "builds", about: "builds at once" },
];

function controlPlane() {
  const asked: string[] = [];
  const api = startControlPlane({
    admin: {
      listLimits({ workspaceId }) {
        asked.push(workspaceId);
        return { limits: LIMITS };
      },
      setLimit({ workspaceId, name, value }) {
        asked.push(`${workspaceId} ${name} ${value}`);
        return {};
      },
    },
  });
  return { api, asked };
}

const TABLE = `LIMIT     USED  ALLOWED               OF
projects  3     100                   projects
streams   0     5 (set)               open streams
builds    -     the worker's setting  builds at once
`;

Deno.test("limits prints each limit with its use", async () => {
  const { api, asked } = controlPlane();
  await using running = await api;
  const { code, stdout, stderr } = await unkey(["limits"], { env: access(running.url) });
  assert.equal(code, 0, stderr);
  assert.equal(stdout, TABLE);
  assert.deepEqual(asked, [""]);
});

Deno.test("limits --json names what is not counted by leaving it out", async () => {
  const { api } = controlPlane();
  await using running = await api;
  const result = await unkey(["limits", "--json"], { env: access(running.url) });
  assert.deepEqual(onlyJson(result), {
    limits: [
      { name: "projects", limit: 100, used: 3, set: false, about: "projects" },
      { name: "streams", limit: 5, used: 0, set: true, about: "open streams" },
      { name: "builds", set: false, about: "builds at once" },
    ],
  });
});

Deno.test("admin limits lists and sets those of a workspace", async (t) => {
  const { api, asked } = controlPlane();
  await using running = await api;
  const env = { UNKEY_API_BASE_URL: running.url, UNKEY_AUTH_TOKEN: ROOT_KEY };
  const admin = (...args: readonly string[]) => unkey(["admin", "limits", ...args], { env });
  await t.step("list", async () => assert.equal((await admin("list", "acme")).stdout, TABLE));
  await t.step("a number", async () => {
    const { stderr, code } = await admin("set", "acme", "projects", "7");
    assert.deepEqual([code, stderr], [0, "set projects of acme to 7\n"]);
  });
  await t.step("the default, as JSON", async () => {
    const result = await admin("set", "acme", "projects", "default", "--json");
    assert.deepEqual(onlyJson(result), { workspace: "acme", name: "projects" });
  });
  await t.step("no number", async () => {
    const { code, stderr } = await admin("set", "acme", "projects", "7.5");
    assert.equal(code, 2);
    assert.match(stderr, /The value "7\.5" is not a whole number and not "default"\./);
  });
  assert.deepEqual(asked, ["acme", "acme projects 7", "acme projects undefined"]);
});
