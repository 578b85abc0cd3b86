import assert from "node:assert/strict";
import { LocalPlatform } from "../testbed/local.ts";
import { eventually } from "../testbed/wait.ts";

/** Serves the value of a variable. */
const DOCKERFILE = `FROM busybox:stable
CMD ["sh", "-c", "trap 'exit 0' TERM; mkdir /www; echo \\"greeting: $GREETING\\" > /www/index.html; httpd -f -p \\"$PORT\\" -h /www & wait"]
`;

Deno.test("variables and environments, from an empty folder to the containers and back", async (t) => {
  await using platform = await LocalPlatform.create();
  await platform.start();
  const folder = `${platform.directory}/greeter`;
  await Deno.mkdir(folder);
  await Deno.writeTextFile(`${folder}/Dockerfile`, DOCKERFILE);
  const printed: string[] = [];
  const unkey = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await platform.unkey(args);
    const text = `$ unkey ${args.join(" ")}\n${stderr}${stdout}`;
    printed.push(text);
    assert.equal(code, 0, text);
    return stdout;
  };
  const project = ["--project", "greeter"];
  const production = [...project, "--env", "production"];
  let url = "";

  await t.step("a first deploy has the variables that were set before it", async () => {
    await unkey("init", folder, "--create", "--env", "production");
    await unkey("variables", "set", "GREETING=s3cret-one", ...production);
    url = (await unkey("deploy", folder)).trim().split("\n")[0] ?? "";
    await platform.answers(url, "greeting: s3cret-one");
  });

  await t.step("one command changes a variable and puts it to use, without a build", async () => {
    await unkey("variables", "set", "GREETING=s3cret-two", "--redeploy", ...production);
    await platform.answers(url, "greeting: s3cret-two");
    assert.doesNotMatch(printed.at(-1) ?? "", /building|packed/);
  });

  await t.step("what runs in production goes to a new environment, with that one's variables", async () => {
    await unkey("environments", "create", "qa", ...project);
    await unkey("variables", "set", "GREETING=s3cret-qa", ...project, "--env", "qa");
    const at = (await unkey("redeploy", ...production, "--to", "qa")).trim().split("\n")[0] ?? "";
    await platform.answers(at, "greeting: s3cret-qa");
    await platform.answers(url, "greeting: s3cret-two");
  });

  await t.step("deleting the environment removes what runs there", async () => {
    const refused = await platform.unkey(["environments", "delete", "qa", "--yes", ...project]);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /still runs .*--stop/);
    const stopped =
      JSON.parse(await unkey("environments", "delete", "qa", "--stop", "--yes", "--json", ...project))
        .stopped;
    assert.equal(stopped.length, 1);
    await eventually(
      "its container to be gone",
      async () =>
        (await platform.containers(["--filter", `label=unkey.deployment-id=${stopped[0]}`])).length === 0,
    );
    await platform.answers(url, "greeting: s3cret-two");
  });

  await t.step("who did all that is shown, and no value is", async () => {
    const { entries } = JSON.parse(await unkey("audit", "--json", ...project));
    const actions = new Set(entries.map(({ action }: { action: string }) => action));
    for (const each of ["project.create", "variables.set", "deployment.redeploy", "environment.delete"]) {
      assert.ok(actions.has(each), each);
    }
    await unkey("variables", "list", ...production);
    await unkey("audit", ...project);
    assert.doesNotMatch(printed.map((text) => text.replace(/^.*\n/, "")).join("\n"), /s3cret/);
    assert.doesNotMatch(await Deno.readTextFile(platform.logFile), /s3cret/);
  });
});
