import assert from "node:assert/strict";
import { hasRegistry } from "../../pkg/testkit/registry.ts";

const SCRIPT = new URL("../testbed", import.meta.url).pathname;
/** True when a part starts at once: this user may start it, and it is in the cache. */
const QUICK = Deno.uid() === 0 && hasRegistry();

interface Printed {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `test` with the script, on a bed of its own beside the machine's. */
async function onScript(
  test: (script: (...args: string[]) => Promise<Printed>) => Promise<void>,
): Promise<void> {
  const parent = await Deno.makeTempDir({ prefix: "unkey-bed-" });
  const script = async (...args: string[]): Promise<Printed> => {
    const env = { UNKEY_TESTBED_DIR: `${parent}/bed`, NO_COLOR: "1" };
    const { code, stdout, stderr } = await new Deno.Command(SCRIPT, { args, env, stdin: "null" }).output();
    return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
  };
  try {
    await test(script);
  } finally {
    if (QUICK) await script("stop");
    await Deno.remove(parent, { recursive: true });
  }
}

Deno.test("without a command the script says which there are", () =>
  onScript(async (script) => {
    const { code, stdout } = await script();
    assert.equal(code, 0);
    for (const word of ["start", "status", "stop", "kubernetes"]) assert.ok(stdout.includes(word), word);
  }));

Deno.test("an unknown command or part is named, with what there is", () =>
  onScript(async (script) => {
    const command = await script("begin");
    assert.equal(command.code, 2);
    assert.match(command.stderr, /unknown command "begin"\n\nUsage:/);
    const part = await script("status", "kubernets");
    assert.equal(part.code, 2);
    assert.match(part.stderr, /unknown part "kubernets"[^]*Parts: registry/);
  }));

Deno.test("the status says what does not run", () =>
  onScript(async (script) => {
    const { code, stdout } = await script("status");
    assert.equal(code, 1);
    assert.match(stdout, /^registry +not running$/m);
    assert.match(stdout, /^kubernetes +not running$/m);
  }));

Deno.test({
  name: "a part starts once, is repaired when it has died, and leaves nothing",
  ignore: !QUICK,
  fn: () =>
    onScript(async (script) => {
      const first = await script("start", "registry");
      assert.equal(first.stdout, "registry\n", first.stderr);
      const running = await script("status", "registry");
      assert.equal(running.code, 0);
      const pid = Number(/pid (\d+)/.exec(running.stdout)?.[1]);

      const again = await script("start", "registry");
      assert.equal(again.stdout, "", "nothing was started");
      assert.match(again.stderr, /runs already/);
      assert.equal((await script("status", "registry")).stdout, running.stdout);

      Deno.kill(pid, "SIGKILL");
      const broken = await script("status", "registry");
      assert.equal(broken.code, 1);
      assert.match(broken.stdout, /^registry +broken$/m);
      assert.equal((await script("start", "registry")).stdout, "registry\n");
      const folder = /(\S+)\/logs\/registry\.log/.exec(running.stdout)?.[1] ?? "";
      const repaired = Number(/pid (\d+)/.exec((await script("status", "registry")).stdout)?.[1]);
      assert.notEqual(repaired, pid);

      assert.equal((await script("stop")).code, 0);
      await assert.rejects(Deno.stat(folder), Deno.errors.NotFound);
      assert.equal((await script("status")).stdout.includes("running  "), false);
    }),
});
