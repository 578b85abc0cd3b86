import assert from "node:assert/strict";
import type { SetProtectionRequest } from "../../proto/gen/ctrl/v1/environment_pb.ts";
import { Protection } from "../../proto/gen/ctrl/v1/environment_pb.ts";
import { access, onlyJson, SHOP, startControlPlane, unkey } from "../shared/testing.ts";

function controlPlane(asked: SetProtectionRequest[] = []) {
  return startControlPlane({
    admin: { listProjects: () => ({ projects: [SHOP] }) },
    environment: {
      setProtection(request) {
        asked.push(request);
        const made = request.change.case === "generate" ? "K7M2X-9QXPA-34TRV-ZZ8HN" : "";
        return {
          password: made,
          environments: [
            { environmentSlug: "preview", protection: Protection.PREVIEWS },
            { environmentSlug: "production" },
            { environmentSlug: "qa", protection: Protection.OWN },
          ],
        };
      },
    },
  });
}

Deno.test("protect makes a password and prints it alone, and the environments beside it", async () => {
  const asked: SetProtectionRequest[] = [];
  await using api = await controlPlane(asked);
  const { code, stdout, stderr } = await unkey(["protect"], { env: access(api.url) });
  assert.equal(code, 0, stderr);
  assert.equal(stdout, "K7M2X-9QXPA-34TRV-ZZ8HN\n");
  assert.match(stderr, /^preview +password of previews\nproduction +-\nqa +password\n/m);
  assert.deepEqual([asked[0]?.environmentSlug, asked[0]?.change], ["", { case: "generate", value: true }]);
  assert.deepEqual(onlyJson(await unkey(["protect", "--json"], { env: access(api.url) })), {
    project: "shop",
    environments: [
      { slug: "preview", protection: "previews" },
      { slug: "production" },
      { slug: "qa", protection: "own" },
    ],
    password: "K7M2X-9QXPA-34TRV-ZZ8HN",
  });
});

Deno.test("protect takes a password on standard input, and --off ends it", async () => {
  const asked: SetProtectionRequest[] = [];
  await using api = await controlPlane(asked);
  const env = access(api.url);
  const given = await unkey(["protect", "qa", "--password-stdin"], { env, stdin: "correct horse\r\n" });
  assert.deepEqual([given.code, given.stdout], [0, ""]);
  assert.doesNotMatch(given.stderr, /correct horse/);
  await unkey(["protect", "qa", "--off"], { env });
  assert.deepEqual(asked.map(({ environmentSlug, change }) => [environmentSlug, change]), [
    ["qa", { case: "password", value: "correct horse" }],
    ["qa", { case: "off", value: true }],
  ]);
});

Deno.test("protect refuses an empty password, and --off with a password", async () => {
  const empty = await unkey(["protect", "--password-stdin"], { stdin: "\n" });
  assert.equal(empty.code, 2);
  assert.match(empty.stderr, /it was empty/);
  const both = await unkey(["protect", "--off", "--password-stdin"], { stdin: "x" });
  assert.equal(both.code, 2);
  assert.match(both.stderr, /--off and --password-stdin exclude each other/);
});
