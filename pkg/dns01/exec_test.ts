import assert from "node:assert/strict";
import { isFault } from "../fault/mod.ts";
import { openExecHook } from "./mod.ts";

const never = new AbortController().signal;
const record = { zone: "example.com", name: "_acme-challenge.example.com", value: "v" };

Deno.test("a program of the operator gets each change, and its failure says why", async () => {
  const folder = await Deno.makeTempDir({ prefix: "unkey-exec-" });
  try {
    const program = `${folder}/hook`;
    await Deno.writeTextFile(program, `#!/bin/sh\necho "$*" >>"${folder}/calls"\n`, { mode: 0o755 });
    const hook = openExecHook(program);
    await hook.add(record, never);
    await hook.remove(record, never);
    assert.equal(
      await Deno.readTextFile(`${folder}/calls`),
      "add _acme-challenge.example.com v example.com\nremove _acme-challenge.example.com v example.com\n",
    );
    await Deno.writeTextFile(program, "#!/bin/sh\necho 'no such zone' >&2\nexit 3\n");
    await assert.rejects(
      hook.add(record, never),
      (error) => isFault(error, "unavailable") && /exit code 3: no such zone/.test(error.message),
    );
    await assert.rejects(
      openExecHook(`${folder}/absent`).add(record, never),
      (error) => isFault(error, "failed_precondition"),
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
