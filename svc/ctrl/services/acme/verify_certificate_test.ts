import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { AcmeService } from "../../../../proto/gen/ctrl/v1/acme_pb.ts";
import { deleteAcmeChallenge, putAcmeChallenge } from "../../internal/store/mod.ts";
import { clock, eachRefused, refused, startApi } from "../testing.ts";

Deno.test("an edge gets the answer for a name and token that are being ordered, from the moment they are", async (t) => {
  await using api = await startApi();
  const edge = api.client(AcmeService, await api.regionToken("*"));
  const question = { domain: "Shop.example.com", token: "t1" };
  await refused(edge.verifyCertificate(question), Code.NotFound, /No certificate is being ordered/);
  const proof = {
    hostname: "shop.example.com",
    token: "t1",
    challenge_type: "http-01" as const,
    key_authorization: "t1.key",
    record_value: "v",
    created_at: clock.now(),
  };
  await putAcmeChallenge(api.db.kysely, proof);
  await putAcmeChallenge(api.db.kysely, { ...proof, token: "dns", challenge_type: "dns-01" });
  assert.equal((await edge.verifyCertificate(question)).authorization, "t1.key");
  const region = api.client(AcmeService, await api.regionToken("local.dev"));
  await eachRefused(t, [
    ["another token", () => edge.verifyCertificate({ ...question, token: "t2" }), Code.NotFound, /token/],
    [
      "another name",
      () => edge.verifyCertificate({ ...question, domain: "a.example.com" }),
      Code.NotFound,
      /a\.example/,
    ],
    ["a proof by DNS", () => edge.verifyCertificate({ ...question, token: "dns" }), Code.NotFound, /token/],
    ["no name", () => edge.verifyCertificate({ ...question, domain: "" }), Code.InvalidArgument, /domain/],
    [
      "no host name",
      () => edge.verifyCertificate({ ...question, domain: "a/b" }),
      Code.InvalidArgument,
      /domain/,
    ],
    [
      "a long token",
      () => edge.verifyCertificate({ ...question, token: "t".repeat(300) }),
      Code.InvalidArgument,
      /token/,
    ],
    ["an agent", () => region.verifyCertificate(question), Code.PermissionDenied, /edge/],
  ]);
  await deleteAcmeChallenge(api.db.kysely, "shop.example.com", "t1");
  await refused(edge.verifyCertificate(question), Code.NotFound, /No certificate is being ordered/);
});
