/**
 * Ten shapes of real apps: each is deployed, or fails with a text that says what happened, why, and what to do. The texts
 * are golden files beside the apps; `UPDATE_GOLDEN=1` writes them.
 */
import assert from "node:assert/strict";
import { LocalPlatform } from "../testbed/local.ts";
import { readAtHost, uploadAtHost, webSocketAtHost } from "../testbed/streams.ts";
import { eventually } from "../testbed/wait.ts";

const SHAPES = new URL("./shapes/", import.meta.url).pathname;
const LISTEN_SECONDS = 6;
const UPDATE = Deno.env.get("UPDATE_GOLDEN") === "1";

interface Deployed {
  readonly name: string;
  readonly code: number;
  readonly text: string;
  /** Of its branch. */
  readonly host: string;
}

Deno.test("ten shapes of apps are served, or say what they need", async (t) => {
  await using platform = await LocalPlatform.create();
  platform.settings["UNKEY_DEPLOY_LISTEN_SECONDS"] = String(LISTEN_SECONDS);
  await platform.start();

  const deploy = async (name: string, branch: string, ...options: readonly string[]): Promise<Deployed> => {
    const { code, stdout, stderr } = await platform.unkey([
      "deploy",
      `${SHAPES}${name}`,
      "--branch",
      branch,
      ...options,
    ]);
    return { name, code, text: `${stderr}${stdout}`, host: `app-git-${branch}-local.localhost` };
  };
  const deployDjango = (branch: string, allowed: string): Promise<Deployed> => {
    const check = ["--health-check-path", "/cgi-bin/app", "--build-arg", `ALLOWED_HOST=${allowed}`];
    return deploy("django", branch, ...check);
  };
  const served = (deployed: Deployed): string => {
    assert.equal(deployed.code, 0, `${deployed.name}: ${deployed.text}`);
    return deployed.host;
  };
  const answers = (deployed: Deployed, text: string) => platform.answers(`http://${served(deployed)}/`, text);
  const qaHost = async (branch: string): Promise<string> => {
    const { deployments } = JSON.parse((await platform.unkey(["list", "--env", "qa", "--json"])).stdout);
    const urls = deployments.filter((each: { branch: string }) => each.branch === branch)
      .flatMap((each: { urls: string[] }) => each.urls);
    return new URL(urls.find((each: string) => each.includes(`-git-${branch}-`)) ?? "http://none").hostname;
  };
  const port = platform.edgePort;

  assert.equal((await platform.unkey(["environments", "create", "qa"])).code, 0);
  assert.equal((await platform.unkey(["environments", "set", "qa", "--idle-end", "1s"])).code, 0);

  // At once: most of their time is waiting.
  const first = {
    node: deploy("node", "node"),
    jvm: deploy("jvm", "jvm"),
    cron: deploy("cron", "cron"),
    localhost: deploy("localhost_only", "localhost"),
    stranger: deployDjango("stranger", ".example"),
    django: deployDjango("django", "-local.localhost"),
    stays: deploy("ignores_term", "stays"),
    static: deploy("static", "static"),
    webSocket: deploy("websocket", "websocket"),
    events: deploy("events", "events"),
    upload: deploy("upload", "upload"),
    unused: deploy("static", "unused", "--env", "qa"),
    open: deploy("events", "open", "--env", "qa"),
  };
  await Promise.all(Object.values(first));
  served(await first.unused);
  served(await first.open);
  await using open = await readAtHost(port, await qaHost("open"), "/cgi-bin/events");

  await t.step("a server that listens where EXPOSE says, and ignores PORT", async () => {
    const deployed = await first.node;
    if (deployed.code === 0) return await answers(deployed, "node");
    const [, option = ""] = /deploy with (--port 3000)/.exec(deployed.text) ?? [];
    await answers(await deploy("node", "node", ...option.split(" ")), "node");
  });

  await t.step(
    "a check of the Host header takes the app's own host, and a refusal quotes the app",
    async () => {
      const { status, body } = await platform.get(`http://${served(await first.django)}/cgi-bin/app`);
      assert.deepEqual([status, body], [200, "django\n"]);
      await golden(await first.stranger);
    },
  );

  await t.step("600 MB and a slow start: each failure names the option that mends it", async () => {
    assert.equal((await platform.unkey(["variables", "set", `START_SECONDS=${LISTEN_SECONDS + 2}`])).code, 0);
    await golden(await first.jvm);
    const slow = await deploy("jvm", "jvm", "--memory", "1024");
    await golden(slow, "slow");
    await answers(await deploy("jvm", "jvm", "--memory", "1024", "--start-timeout", "60s"), "jvm");
  });

  await t.step("a process without a port, and one that listens on ::1, say what to do", async () => {
    const cron = await first.cron;
    await golden(cron);
    await golden(await first.localhost);
    const [, option = ""] = /unkey deploy (--health-check-type none)/.exec(cron.text) ?? [];
    served(await deploy("cron", "cron", ...option.split(" "), "--start-timeout", "2s"));
  });

  await t.step("a static site, a WebSocket, server-sent events, an upload", async () => {
    await answers(await first.static, "<h1>static</h1>");
    assert.deepEqual(await webSocketAtHost(port, served(await first.webSocket), "12345"), [
      "hello",
      "got it",
    ]);
    await using events = await readAtHost(port, served(await first.events), "/cgi-bin/events");
    assert.match(await events.until("data: 2\n"), /^data: 0\n\ndata: 1\n\n/);
    const bytes = crypto.getRandomValues(new Uint8Array(65_536));
    const body = new Uint8Array(20 * 1_048_576).map((_, at) => bytes[at % 65_536] ?? 0);
    const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", body)).toHex();
    assert.equal(await uploadAtHost(port, served(await first.upload), "/cgi-bin/upload", body), `${sum}\n`);
  });

  await t.step("an entry point without a handler of SIGTERM ends all the same", async () => {
    const host = served(await first.stays);
    await answers(await first.stays, "stays");
    const { stdout } = await platform.unkey(["stop", "--branch", "stays"]);
    const [, id = ""] = /^stopped (d_\w+)/.exec(stdout) ?? [];
    assert.notEqual(id, "", stdout);
    await eventually(
      "its container to be gone",
      async () => (await platform.containers(["--filter", `label=unkey.deployment-id=${id}`])).length === 0,
    );
    const page = await platform.get(`http://${host}/`, { accept: "text/plain" });
    assert.match(
      page.body,
      new RegExp(`Its branch "stays" is gone\\. "unkey start ${id}" starts it again\\.`),
    );
  });

  await t.step("a deployment without requests ends, and one with an open stream goes on", async () => {
    // Not by asking it, which would be a request.
    await eventually("its end", async () => {
      const { stdout } = await platform.unkey(["list", "--env", "qa"]);
      return / unused +stopped \(no requests\) /.test(stdout);
    }, { everyMs: 500 });
    const url = `http://${await qaHost("unused")}/`;
    const { body } = await platform.get(url, { accept: "text/plain" });
    const [, id = ""] =
      /It got no request for 1 second\. "unkey start (d_\w+)" starts it again\./.exec(body) ?? [];
    assert.notEqual(id, "", body);
    await open.until("data: 5\n");
    assert.equal((await platform.unkey(["start", id])).code, 0);
    await platform.answers(url, "<h1>static</h1>");
  });
});

/** Compares the text of a failed deploy with the file of its app. */
async function golden({ name, code, text }: Deployed, kind = "failure"): Promise<void> {
  assert.notEqual(code, 0, `${name}: ${text}`);
  const lines = text.slice(text.indexOf("error:")).split("\n")
    // The deploys beside it decide about the one, the time about the other.
    .filter((line, at, all) => !line.includes("live now:") && line !== all[at - 1]);
  const found = `${lines.join("\n").trim()}\n`;
  const path = `${SHAPES}${name}/${kind}.txt`;
  if (UPDATE) await Deno.writeTextFile(path, found);
  assert.equal(found, await Deno.readTextFile(path), name);
}
