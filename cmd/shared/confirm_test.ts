import assert from "node:assert/strict";
import { type Prompts, UsageError } from "../../pkg/cli/mod.ts";
import { isFault } from "../../pkg/fault/mod.ts";
import { confirm } from "./confirm.ts";
import { access, deploymentOf, SHOP, startControlPlane, unkey } from "./testing.ts";

const QUESTION = { message: "Delete it?", initial: false };

function answering(answer: boolean | undefined) {
  const asked: unknown[] = [];
  const prompts: Prompts = {
    confirm: (question) => {
      asked.push(question);
      return Promise.resolve(answer);
    },
    select: () => Promise.resolve(undefined),
    password: () => Promise.resolve(undefined),
  };
  return { asked, prompts };
}

Deno.test("confirm() asks once, and only a yes goes on", async () => {
  const yes = answering(true);
  await confirm(yes, false, QUESTION);
  assert.deepEqual(yes.asked, [QUESTION]);
  for (const answer of [false, undefined]) {
    const no = answering(answer);
    await assert.rejects(confirm(no, false, QUESTION), (error) => isFault(error, "cancelled"));
  }
});

Deno.test("confirm() asks nothing with --yes, with or without a terminal", async () => {
  const no = answering(false);
  await confirm(no, true, QUESTION);
  await confirm({ prompts: undefined }, true, QUESTION);
  assert.deepEqual(no.asked, []);
});

Deno.test("confirm() refuses without a terminal, and names the flag", async () => {
  await assert.rejects(
    confirm({ prompts: undefined }, false, QUESTION),
    (error) => error instanceof UsageError && /^Delete it\? There is no terminal.*--yes/.test(error.message),
  );
});

/** A script that forgot --yes must learn it at once, and nothing may have happened. */
Deno.test("each command that asks ends with 2 and changes nothing, without a terminal and without --yes", async (t) => {
  const plan = {
    projectSlug: "shop",
    environmentSlug: "production",
    fromDeploymentId: "d_2",
    toDeploymentId: "d_1",
  };
  const changes: string[] = [];
  const changed = (name: string) => () => {
    changes.push(name);
    return {};
  };
  await using server = await startControlPlane({
    admin: { listProjects: () => ({ projects: [SHOP] }) },
    deployment: {
      getDeployment: () => ({ deployment: deploymentOf({ live: true }) }),
      planRollback: () => ({ plan }),
      planPromote: () => ({ plan }),
      rollback: changed("rollback"),
      promote: changed("promote"),
      cancelDeployment: changed("cancel"),
    },
    environment: { deleteEnvironment: changed("delete") },
  });
  const commands = [["rollback", "d_1"], ["promote", "d_1"], ["cancel", "d_1"], [
    "environments",
    "delete",
    "qa",
  ]];
  for (const args of commands) {
    await t.step(args.join(" "), async () => {
      const { code, stdout, stderr } = await unkey([...args, "--json"], { env: access(server.url) });
      assert.equal(code, 2, stderr);
      assert.deepEqual([JSON.parse(stdout).error.code, JSON.parse(stdout).exitCode], ["usage", 2]);
      assert.match(stderr, /^error: .*\? There is no terminal to ask on.*--yes \(UNKEY_YES\) confirms\.\n$/);
    });
  }
  assert.deepEqual(changes, []);
});
