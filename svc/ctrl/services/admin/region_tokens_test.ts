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
