import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { refused, startApi } from "../testing.ts";
import { uploadClient } from "./testing.ts";

const CHECKSUM = `${"A".repeat(43)}=`;
const PACK = { sizeBytes: 5n, checksumSha256: CHECKSUM };

Deno.test("createPacks() binds each URL to the pack's bytes", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { uploads: [upload] } = await uploadClient(api, tenant).createPacks({
    projectId: tenant.projectId,
    packs: [PACK],
  });
  assert.ok(upload !== undefined);
  for (const body of ["other", "longer than that"]) {
    const { url, headers } = upload;
    const response: Response = await fetch(url, { method: "PUT", headers, body });
    await response.body?.cancel();
    assert.ok(response.status >= 400, `${body}: ${response.status}`);
  }
});

Deno.test("createPacks() refuses packs beyond the limits", async (t) => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { projectId } = tenant;
  const client = uploadClient(api, tenant);
  const cases: Readonly<Record<string, readonly (typeof PACK)[]>> = {
    "no pack": [],
    "too many packs": Array.from({ length: 101 }, () => PACK),
    "an empty pack": [{ ...PACK, sizeBytes: 0n }],
    "a pack that is too large": [{ ...PACK, sizeBytes: 10n << 20n }],
    "no checksum": [{ ...PACK, checksumSha256: "" }],
  };
  for (const [name, packs] of Object.entries(cases)) {
    await t.step(
      name,
      () => refused(client.createPacks({ projectId, packs: [...packs] }), Code.InvalidArgument, /^packs/),
    );
  }
  await t.step("a workspace without room", async () => {
    const large = Array.from({ length: 11 }, () => ({ ...PACK, sizeBytes: 9n << 20n }));
    await client.createPacks({ projectId, packs: large });
    await refused(
      client.createPacks({ projectId, packs: large }),
      Code.OutOfRange,
      /100 MiB are allowed/,
    );
  });
});
