/** A control group on the builder's machine bounds the memory of all instructions below it. */
import assert from "node:assert/strict";
import { canStartEngine } from "../../../pkg/testkit/private_engine.ts";
import { hasFrontend } from "../../../pkg/testkit/base_registry.ts";
import { hasRegistry } from "../../../pkg/testkit/registry.ts";
import { ContractBed } from "./contract_bed.ts";

const LIMIT_BYTES = 64 * 1024 * 1024;
const V2 = await Deno.stat("/sys/fs/cgroup/cgroup.controllers").then(() => true, () => false);
const ROOT = V2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
const POSSIBLE = await canStartEngine("29") && hasRegistry() && await hasFrontend();

/** A group with a memory limit; its processes have ended when it is disposed of. */
async function limitedGroup(): Promise<AsyncDisposable & { readonly name: string }> {
  const name = `unkey-test-${crypto.randomUUID().slice(0, 8)}`;
  const folder = `${ROOT}/${name}`;
  if (V2) await Deno.writeTextFile(`${ROOT}/cgroup.subtree_control`, "+memory");
  await Deno.mkdir(folder);
  await Deno.writeTextFile(`${folder}/${V2 ? "memory.max" : "memory.limit_in_bytes"}`, String(LIMIT_BYTES));
  return {
    name: `/${name}`,
    async [Symbol.asyncDispose]() {
      // Groups of ended instructions are below it.
      await new Deno.Command("find", {
        args: [folder, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"],
        stderr: "null",
      })
        .output();
    },
  };
}

Deno.test({
  name: "an instruction that takes more memory than the control group of builds allows is killed",
  ignore: !POSSIBLE,
  fn: async () => {
    await using group = await limitedGroup();
    await using bed = await ContractBed.engine({ engine: "29", imageStore: "classic" }, {
      cgroupParent: group.name,
    });
    // `tail` keeps a line until it ends.
    const hog = `head -c ${4 * LIMIT_BYTES} /dev/zero | tail >/dev/null`;
    const { outcome } = await bed.build({ dockerfile: `FROM ${bed.base}\nRUN ${hog} && echo survived\n` });
    assert.ok(outcome.kind === "failed", "the build must fail");
    const small = await bed.build({ dockerfile: `FROM ${bed.base}\nRUN echo ${crypto.randomUUID()}\n` });
    assert.equal(small.outcome.kind, "built");
  },
});
