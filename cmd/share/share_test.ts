import assert from "node:assert/strict";
import type {
  CreateShareLinkRequest,
  RevokeShareLinksRequest,
} from "../../proto/gen/ctrl/v1/environment_pb.ts";
import { access, deploymentOf, onlyJson, SHOP, startControlPlane, unkey } from "../shared/testing.ts";

const URL = "https://shop-preview-acme.test/?unkey_share=e1.x";
const ENDS_AT = 1_800_000_000_000;

function controlPlane(asked: CreateShareLinkRequest[] = [], revoked: RevokeShareLinksRequest[] = []) {
  return startControlPlane({
    admin: { listProjects: () => ({ projects: [SHOP] }) },
    deployment: {
      getDeployment: ({ deploymentId: id }) => ({
        deployment: deploymentOf({ id, projectId: SHOP.id, projectSlug: "shop" }),
      }),
    },
    environment: {
      createShareLink(request) {
        asked.push(request);
        return {
          token: "e1.x",
          urls: [URL, "https://other.test/?unkey_share=e1.x"],
          endsAt: BigInt(ENDS_AT),
        };
      },
      revokeShareLinks(request) {
        revoked.push(request);
        return { environmentSlugs: ["preview", "qa"] };
      },
    },
  });
}

Deno.test("share prints the link of an environment alone, and its end beside it", async () => {
  const asked: CreateShareLinkRequest[] = [];
  await using api = await controlPlane(asked);
  const env = access(api.url);
  const { code, stdout, stderr } = await unkey(["share", "preview", "--for", "7d"], { env });
  assert.equal(code, 0, stderr);
  assert.equal(stdout, `${URL}\n`);
  assert.match(stderr, /works until 2027-01-15 08:00 UTC/);
  await unkey(["share", "d_1"], { env });
  assert.deepEqual(asked.map(({ projectId, target, validSeconds }) => [projectId, target, validSeconds]), [
    [SHOP.id, { case: "environmentSlug", value: "preview" }, 604_800n],
    [SHOP.id, { case: "deploymentId", value: "d_1" }, 0n],
  ]);
  assert.deepEqual(onlyJson(await unkey(["share", "preview", "--json"], { env })), {
    project: "shop",
    url: URL,
    urls: [URL, "https://other.test/?unkey_share=e1.x"],
    token: "e1.x",
    endsAt: ENDS_AT,
  });
});

Deno.test("share --revoke-all names the environments whose links have ended", async () => {
  const revoked: RevokeShareLinksRequest[] = [];
  await using api = await controlPlane([], revoked);
  const env = access(api.url);
  const { code, stderr } = await unkey(["share", "--revoke-all"], { env });
  assert.equal(code, 0, stderr);
  assert.match(stderr, /revoked all links to preview, qa of shop/);
  assert.deepEqual(onlyJson(await unkey(["share", "preview", "--revoke-all", "--json"], { env })), {
    project: "shop",
    revoked: ["preview", "qa"],
  });
  assert.deepEqual(revoked.map(({ environmentSlug }) => environmentSlug), ["", "preview"]);
});

Deno.test("share refuses a call without a target, and times that are none", async (t) => {
  const cases: readonly [string[], RegExp][] = [
    [["share"], /Name an environment or a deployment/],
    [["share", "preview", "--for", "1h", "--revoke-all"], /--for and --revoke-all exclude each other/],
    ...["7", "91d", "0h", "59s", "1w", "-1d"].map((time): [string[], RegExp] => [
      ["share", "preview", `--for=${time}`],
      /must be a time such as 30m, 24h or 7d, of at most 90d/,
    ]),
  ];
  await using api = await controlPlane();
  for (const [args, message] of cases) {
    await t.step(args.join(" "), async () => {
      const { code, stderr } = await unkey(args, { env: access(api.url) });
      assert.equal(code, 2);
      assert.match(stderr, message);
    });
  }
});
