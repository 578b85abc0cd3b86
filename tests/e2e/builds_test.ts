/** Builds of folders as users have them, through the command line, a real engine and the edge. */
import assert from "node:assert/strict";
import { pushBaseImage } from "../../pkg/testkit/base_registry.ts";
import { HUB_USER, HubRegistry } from "../../pkg/testkit/hub_registry.ts";
import { hasRegistry } from "../../pkg/testkit/registry.ts";
import { LocalPlatform } from "../testbed/local.ts";

const SERVE = 'CMD ["sh", "-c", "trap \'exit 0\' TERM; httpd -f -p \\"$PORT\\" -h /www & wait"]';

Deno.test({
  name: "folders as users have them build as with docker build",
  ignore: !hasRegistry(),
  fn: async (t) => {
    await using hub = await HubRegistry.start();
    await pushBaseImage(hub.upstream, "library/busybox:stable");
    await pushBaseImage(hub.upstream, "private/base:1");
    await using platform = await LocalPlatform.create();
    platform.settings["UNKEY_TRUSTED_REGISTRIES"] = hub.name;
    platform.settings["DOCKER_CONFIG"] = platform.directory;
    await platform.start();
    const base = `${hub.name}/library/busybox:stable`;
    const folder = `${platform.directory}/site`;
    let url = "";

    const write = async (files: Readonly<Record<string, string>>): Promise<void> => {
      for (const [name, text] of Object.entries(files)) {
        const path = `${folder}/${name}`;
        await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
        await Deno.writeTextFile(path, text);
      }
    };
    const run = async (...args: readonly string[]) => {
      const { code, stdout, stderr } = await platform.unkey(args);
      return { code, stdout, text: `$ unkey ${args.join(" ")}\n${stderr}${stdout}` };
    };
    const deploy = async (...args: readonly string[]): Promise<string> => {
      const { code, stdout, text } = await run(
        "deploy",
        folder,
        "--project",
        "site",
        "--env",
        "production",
        ...args,
      );
      assert.equal(code, 0, text);
      url = stdout.trim().split("\n")[0] ?? "";
      return text;
    };
    const get = (path: string, headers: Readonly<Record<string, string>> = {}) =>
      platform.get(`${url}${path}`, headers);

    await write({ "Dockerfile": `FROM ${base}\nCOPY . /www\n${SERVE}\n`, "index.html": "version 1.0.1" });
    const created = await run(
      "init",
      folder,
      "--create",
      "--project",
      "site",
      "--env",
      "production",
    );
    assert.equal(created.code, 0, created.text);

    await t.step("a public base image of a registry that wants tokens is pulled", async () => {
      await deploy();
      await platform.answers(url, "version 1.0.1");
      assert.ok(hub.requests.some(({ path }) => path.startsWith("/token")));
    });

    await t.step(
      "a browser that has the old page gets the new one, although its size is the same",
      async () => {
        const { headers } = await get("/index.html");
        const etag = headers.get("etag") ?? "";
        assert.notEqual(etag, "", "the app sends a validator");
        await write({ "index.html": "version 1.0.2" });
        await deploy();
        await platform.answers(url, "version 1.0.2");
        const again = await get("/index.html", { "if-none-match": etag });
        assert.equal(again.status, 200);
      },
    );

    await t.step("ignored files are not published, not even the ignore file and the Dockerfile", async () => {
      await write({
        ".dockerignore": "# internal\nDockerfile*\n.dockerignore\nsecret.txt\n",
        "secret.txt": "s",
      });
      await deploy();
      for (const path of ["/Dockerfile", "/.dockerignore", "/secret.txt"]) {
        assert.equal((await get(path)).status, 404, path);
      }
    });

    await t.step("options, secrets and variables reach the build", async () => {
      await write({
        Dockerfile:
          `ARG BASE\nFROM $BASE AS page\nARG COLOR\nARG NEXT_PUBLIC_NAME\nARG UNKEY_DEPLOYMENT_ID\n` +
          "RUN --mount=type=secret,id=token,required=true --mount=type=secret,id=DATABASE_URL,required=true " +
          'mkdir /www && echo "$COLOR $NEXT_PUBLIC_NAME $(wc -c </run/secrets/token) ' +
          '$(wc -c </run/secrets/DATABASE_URL) $UNKEY_DEPLOYMENT_ID" >/www/index.html\n' +
          `${SERVE}\nFROM page AS other\nRUN exit 1\n`,
      });
      const variables = await run(
        ...["variables", "set", "DATABASE_URL=postgres://s3cret", "NEXT_PUBLIC_NAME=shop"],
        ...["--project", "site", "--env", "production"],
      );
      assert.equal(variables.code, 0, variables.text);
      await Deno.writeTextFile(`${platform.directory}/token`, "s3cret-token");
      const text = await deploy(
        ...[
          "--build-arg",
          `BASE=${base}`,
          "--build-arg",
          "COLOR=blue",
          "--build-variable",
          "NEXT_PUBLIC_NAME",
        ],
        ...["--secret", `id=token,src=${platform.directory}/token`, "--target", "page"],
      );
      assert.doesNotMatch(text, /s3cret/);
      await platform.answers(url, "blue shop 12 17 d_");
    });

    await t.step("a private base image needs the credentials of its registry", async () => {
      await write({ Dockerfile: `FROM ${hub.name}/private/base:1\nCOPY . /www\n${SERVE}\n` });
      const refused = await run("deploy", folder, "--project", "site", "--env", "production");
      assert.notEqual(refused.code, 0);
      assert.match(refused.text, /unkey registries add 127\.0\.0\.1:\d+/);
      const added = await platform.unkey(
        ["registries", "add", hub.name, "--username", HUB_USER.username, "--password-stdin"],
        { stdin: HUB_USER.password.reveal() },
      );
      assert.equal(added.code, 0, added.stderr);
      await deploy();
      await platform.answers(url, "version 1.0.2");
      const removed = await run("registries", "remove", hub.name);
      assert.equal(removed.code, 0, removed.text);
    });

    await t.step("the user's own Docker login counts, also one from after the start", async () => {
      await write({ Dockerfile: `FROM ${hub.name}/private/base:1\nRUN echo again\nCOPY . /www\n${SERVE}\n` });
      const refused = await run(
        "deploy",
        folder,
        "--project",
        "site",
        "--env",
        "production",
        "--no-cache",
        "--pull",
      );
      assert.notEqual(refused.code, 0, "without a login");
      const auth = btoa(`${HUB_USER.username}:${HUB_USER.password.reveal()}`);
      await Deno.writeTextFile(
        `${platform.directory}/config.json`,
        JSON.stringify({ auths: { [hub.name]: { auth } } }),
      );
      await deploy("--no-cache", "--pull");
      await platform.answers(url, "version 1.0.2");
    });

    await t.step("a Dockerfile outside of the context is the one that is built", async () => {
      const outside = `${platform.directory}/other.Dockerfile`;
      await Deno.writeTextFile(outside, `FROM ${base}\nCOPY index.html /www/index.html\n${SERVE}\n`);
      await deploy("--dockerfile", outside);
      await platform.answers(url, "version 1.0.2");
    });
  },
});
