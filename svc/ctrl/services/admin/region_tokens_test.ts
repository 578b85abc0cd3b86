import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { refused, SERVICE_TOKEN, startApi } from "../testing.ts";

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
