/** Apps as they are: sizes, health checks, crashes, output and previews, through the command line and a real engine. */
import assert from "node:assert/strict";
import { LocalPlatform } from "../testbed/local.ts";
import { eventually } from "../testbed/wait.ts";
import { docker } from "../testbed/testbed.ts";

const BASE = "FROM busybox:stable";
const SERVE = `httpd -f -p "$PORT" -h /www & wait`;

Deno.test("apps as they are: sized, health-checked, reported, and ended", async (t) => {
  await using platform = await LocalPlatform.create();
  platform.settings["UNKEY_DEPLOY_LISTEN_SECONDS"] = "8";
  await platform.start();
  const folderOf = async (name: string, files: Readonly<Record<string, string>>): Promise<string> => {
    const folder = `${platform.directory}/${name}`;
    await Deno.mkdir(folder, { recursive: true });
    for (const [path, text] of Object.entries(files)) await Deno.writeTextFile(`${folder}/${path}`, text);
    return folder;
  };
  const app = (name: string, script: string, instructions = ""): Promise<string> =>
    folderOf(name, {
      Dockerfile: `${BASE}\n${instructions}\nCOPY run.sh /run.sh\nCMD ["sh", "/run.sh"]\n`,
      "run.sh": `trap 'exit 0' TERM\nmkdir -p /www; echo ${name} >/www/index.html\n${script}\n`,
    });
  const run = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await platform.unkey(args);
    return { code, stdout, stderr, text: `${stderr}${stdout}` };
  };

  await t.step("an app of 300 MB runs after the command that its failure names", async () => {
    const folder = await app("large", `dd if=/dev/zero of=/dev/null bs=300M count=1 || exit 137\n${SERVE}`);
    const failed = await run("deploy", folder, "--env", "production");
    assert.notEqual(failed.code, 0, failed.text);
    const [, more = ""] = /unkey deploy (--memory \d+ --env production)/.exec(failed.text) ?? [];
    assert.match(more, /^--memory 512 /, failed.text);
    const second = await run("deploy", folder, ...more.split(" "));
    assert.equal(second.code, 0, second.text);
    await platform.answers(second.stdout.trim().split("\n")[0] ?? "", "large");
    assert.match((await run("status", "app", "--env", "production")).stdout, /size +512 MiB of memory/);
  });

  await t.step("a size of the environment holds for later deployments", async () => {
    assert.equal((await run("scale", "production", "--memory", "64", "--replicas", "2")).code, 0);
    const folder = await app("small", SERVE);
    const deployed = await run("deploy", folder, "--env", "production");
    assert.equal(deployed.code, 0, deployed.text);
    const { stdout } = await run("status", "app", "--env", "production");
    assert.match(stdout, /instances +2 of 2 running/);
    assert.match(stdout, /size +64 MiB of memory/);
    assert.equal((await run("scale", "production", "--reset")).code, 0);
  });

  await t.step(
    "a health check that is refused says what was answered, and what the app printed",
    async () => {
      const folder = await app("refuses", `echo "Invalid host"; ${SERVE}`);
      const failed = await run("deploy", folder, "--branch", "refuses", "--health-check-path", "/missing");
      assert.notEqual(failed.code, 0, failed.text);
      assert.match(
        failed.text,
        /GET \/missing on port 8080 did not succeed within 8 s \(it answered 404\)/,
      );
      assert.match(failed.text, /Its last output:\nInvalid host/);
    },
  );

  await t.step("an app that starts slowly runs after the option that its failure names", async () => {
    const folder = await app("slow", `sleep 12 & wait; ${SERVE}`);
    const failed = await run("deploy", folder, "--branch", "slow");
    assert.notEqual(failed.code, 0, failed.text);
    const [, option = ""] = /unkey deploy (--start-timeout \d+s)/.exec(failed.text) ?? [];
    const second = await run("deploy", folder, "--branch", "slow", ...option.split(" "));
    assert.equal(second.code, 0, second.text);
  });

  await t.step("a crash of a live app is in status, in its output, and mended", async () => {
    const folder = await app("crashes", SERVE);
    const { stdout } = await run("deploy", folder, "--branch", "crashes", "--quiet");
    const url = stdout.trim().split("\n")[0] ?? "";
    const [container = ""] = await platform.containers(["--filter", "status=running", "--latest"]);
    await docker(["kill", container]);
    await eventually("status to tell of the end", async () => {
      const status = await run("status", "app", "--env", "preview");
      return /ended with exit code 137/.test(status.stdout);
    });
    await platform.answers(url, "crashes");
    const shown = await run("status", "app", "--env", "preview", "--events", "--json");
    const { events } = JSON.parse(shown.stdout);
    assert.deepEqual(
      events.map((
        { kind, reason, exitCode, times }: Record<string, unknown>,
      ) => [kind, reason, exitCode, times]),
      [["ended", "exited", 137, 1]],
    );
    const logs = await run("logs", "app", "--env", "preview", "--source", "instance", "--grep", "unkey:");
    assert.match(logs.stdout, /^\d{4}-\d\d-\d\dT\S+Z \S+ \| \(unkey: The app ended with exit code 137/m);
  });

  await t.step("a live app that hangs is reported, and serves again", async () => {
    const folder = await app("hangs", SERVE);
    const deployed = await run("deploy", folder, "--branch", "hangs", "--health-check-path", "/", "--quiet");
    const url = deployed.stdout.trim().split("\n")[0] ?? "";
    const [container = ""] = await platform.containers(["--filter", "status=running", "--latest"]);
    const inside = (script: string) => docker(["exec", container, "sh", "-c", script]);
    const logs = async () =>
      (await run("logs", "app", "--env", "preview", "--source", "instance", "--tail", "20")).stdout;
    await inside("kill -STOP $(pidof httpd)");
    await eventually("status to tell of it", async () => {
      const { stdout } = await run("status", "app", "--env", "preview");
      return /unhealthy.* GET \/ on port 8080 does not answer/.test(stdout);
    });
    await eventually(
      "its output to tell of it",
      async () => (await logs()).includes("(unkey: the health check fails:"),
    );
    await inside("kill -CONT $(pidof httpd)");
    await platform.answers(url, "hangs");
    await eventually(
      "the recovery",
      async () => (await logs()).includes("(unkey: the health check succeeds again)"),
    );
  });

  await t.step("a volume is reported, and long lines come whole", async () => {
    const folder = await app(
      "prints",
      `head -c 20000 /dev/zero | tr '\\0' x; echo; ${SERVE}`,
      "VOLUME /data",
    );
    const deployed = await run("deploy", folder, "--branch", "prints");
    assert.equal(deployed.code, 0, deployed.text);
    assert.match(deployed.text, /Files in \/data \(VOLUME of the Dockerfile\) end with each instance/);
    await eventually("the line", async () => {
      const logs = await run(
        "logs",
        "app",
        "--env",
        "preview",
        "--source",
        "instance",
        "--timestamps",
        "none",
      );
      return / \| x{20000}\n/.test(logs.stdout);
    });
  });

  await t.step("a preview is ended by a stop, and production is not", async () => {
    const idOf = async (environment: string): Promise<string> => {
      const { stdout } = await run("status", "app", "--env", environment, "--json");
      return JSON.parse(stdout).id;
    };
    const preview = await idOf("preview");
    const asked = await run("stop", preview);
    assert.equal(asked.code, 2, asked.text);
    assert.equal((await run("stop", preview, "--yes")).code, 0);
    const production = await run("stop", await idOf("production"), "--yes");
    assert.notEqual(production.code, 0);
    assert.match(production.text, /deploy, promote or roll back to another one/);
  });
});
