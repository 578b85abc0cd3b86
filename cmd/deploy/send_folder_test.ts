import { Code, ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { DEPLOY_EXIT } from "../shared/deploying/exit_codes.ts";
import { deploy, resultOf, startParts } from "../shared/deploying/testing.ts";

/** A wait of eight seconds in front of it would look as if it could get better. */
Deno.test("deploy says at once that the workspace has no room for the upload", async () => {
  let asked = 0;
  await using parts = await startParts({
    upload: {
      createPacks: () => {
        asked++;
        throw new ConnectError("The workspace has 100 MiB stored: ask for more room.", Code.OutOfRange);
      },
    },
  });
  const { error, exitCode } = resultOf(await deploy({ url: parts.plane.url, args: ["--json"] }));
  assert.deepEqual([error?.code, error?.phase, exitCode], ["storage_full", "upload", DEPLOY_EXIT.upload]);
  assert.match(error?.message ?? "", /100 MiB stored: ask for more room/);
  assert.equal(asked, 1);
});
