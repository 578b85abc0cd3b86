import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { eachRefused, refused, SERVICE_TOKEN, startApi } from "../testing.ts";

Deno.test("region tokens are listed without their secret, and revoked once", async () => {
  await using api = await startApi();
  const operator = api.client(AdminService, SERVICE_TOKEN);
  const { token, tokenId } = await operator.createRegionToken({ region: "near" });
  const kept = await operator.createRegionToken({ region: "*" });
  const listed = async () => (await operator.listRegionTokens({})).tokens.map(({ id }) => id).toSorted();
  assert.deepEqual(await listed(), [tokenId, kept.tokenId].toSorted());
  await operator.revokeRegionToken({ tokenId });
  assert.deepEqual(await listed(), [kept.tokenId]);
  await refused(operator.revokeRegionToken({ tokenId }), Code.NotFound, /revoked before/);
  await refused(operator.revokeRegionToken({ tokenId: "x" }), Code.InvalidArgument, /token_id must/);
  const stored = await api.db.kysely.selectFrom("region_tokens").selectAll().execute();
  assert.ok(!JSON.stringify(stored).includes(token), "only the hash is stored");
});

Deno.test("createRegionToken() takes names of regions and the edges' asterisk only", async (t) => {
  await using api = await startApi();
  const operator = api.client(AdminService, SERVICE_TOKEN);
  const names = ["", "A", "-a", "a-", ".a", "a b", "**", "x".repeat(64)];
  await eachRefused(
    t,
    names.map((region) =>
      [
        `region "${region}"`,
        () => operator.createRegionToken({ region }),
        Code.InvalidArgument,
        /^region must look like/,
      ] as const
    ),
  );
  for (const region of ["a", "us-east-1.aws", "x".repeat(63), "*"]) {
    await operator.createRegionToken({ region });
  }
  assert.equal((await operator.listRegionTokens({ pageSize: 3 })).tokens.length, 3);
  await refused(operator.listRegionTokens({ pageSize: -1 }), Code.InvalidArgument, /^page_size/);
});

Deno.test("a region's token has the networks that it was given, and an edge's has none", async (t) => {
  await using api = await startApi();
  const operator = api.client(AdminService, SERVICE_TOKEN);
  await operator.createRegionToken({ region: "near", networks: ["10.0.0.0/8", "fd00::/8", "192.0.2.1"] });
  await operator.createRegionToken({ region: "far" });
  const { tokens } = await operator.listRegionTokens({});
  assert.deepEqual(Object.fromEntries(tokens.map(({ region, networks }) => [region, networks])), {
    near: ["10.0.0.0/8", "fd00::/8", "192.0.2.1"],
    far: [],
  });
  const create = (networks: string[], region = "near") => () =>
    operator.createRegionToken({ region, networks });
  await eachRefused(t, [
    [
      "no network",
      create(["10.0.0.0/8", "x"]),
      Code.InvalidArgument,
      /^networks must be networks .*: got "x"/,
    ],
    ["too many", create(Array(33).fill("10.0.0.0/8")), Code.InvalidArgument, /^networks must be at most 32/],
    ["an edge's", create(["10.0.0.0/8"], "*"), Code.InvalidArgument, /^networks are those of a region's/],
  ]);
});
