/** Deploys of content that was built before, with real builds in a real engine. */
import assert from "node:assert/strict";
import { LocalPlatform } from "../testbed/local.ts";
import { docker } from "../testbed/testbed.ts";

/** Each build makes another page, so that the page tells which build made the image. */
const DOCKERFILE = [
  "FROM busybox:stable",
  "COPY . /www",
  "RUN cat /proc/sys/kernel/random/uuid >/www/build",
  'CMD ["sh", "-c", "trap \'exit 0\' TERM; httpd -f -p \\"$PORT\\" -h /www & wait"]',
].join("\n");

interface Deployed {
  readonly id: string;
  /** The deployment whose image it used again. */
  readonly of: string | undefined;
  /** Names the build that made the image. */
  readonly build: string;
  readonly text: string;
}

Deno.test("content that was built before is deployed without a build, and all else is built", async (t) => {
  await using platform = await LocalPlatform.create();
  await platform.start();
  const folder = `${platform.directory}/site`;
  await Deno.mkdir(folder);
  const unkey = async (...args: readonly string[]): Promise<{ stdout: string; stderr: string }> => {
    const { code, stdout, stderr } = await platform.unkey(args);
    assert.equal(code, 0, `unkey ${args.join(" ")}\n${stderr}${stdout}`);
    return { stdout, stderr };
  };
  const deploy = async (...args: readonly string[]): Promise<Deployed> => {
    const where = args.includes("--project") ? [] : ["--project", "site"];
    const { stdout, stderr } = await unkey("deploy", folder, "--json", ...where, ...args);
    const { id, urls, imageSourceDeploymentId } = JSON.parse(stdout);
    const { body } = await platform.get(`${urls[0]}/build`);
    assert.match(body, /^[0-9a-f-]{36}\n$/);
    return { id, of: imageSourceDeploymentId, build: body, text: stderr };
  };
  const assertBuilt = (deployed: Deployed, before: Deployed): void => {
    assert.equal(deployed.of, undefined, deployed.text);
    assert.match(deployed.text, /^ok building/m);
    assert.notEqual(deployed.build, before.build);
  };

  await Deno.writeTextFile(`${folder}/Dockerfile`, DOCKERFILE);
  await Deno.writeTextFile(`${folder}/index.html`, "one");
  await Deno.symlink("index.html", `${folder}/link.html`);
  for (const project of ["site", "other"]) {
    await Deno.mkdir(`${platform.directory}/${project}-settings`);
    await unkey("init", `${platform.directory}/${project}-settings`, "--create", "--project", project);
  }
  const first = await deploy("--env", "production");
  assert.equal(first.of, undefined);

  await t.step("the same content: nothing is sent and nothing is built", async () => {
    const again = await deploy("--env", "production");
    assert.deepEqual([again.of, again.build], [first.id, first.build]);
    assert.match(again.text, /^ok unchanged, nothing to upload/m);
    assert.ok(
      again.text.includes(
        `note The image of deployment ${first.id} is used again: same content (use --no-cache to build).`,
      ),
      again.text,
    );
    assert.doesNotMatch(again.text, /building/);
    const { stdout } = await unkey("status", again.id);
    assert.match(stdout, new RegExp(`^image of +${first.id} `, "m"));
  });

  await t.step("another environment, and other times of the files", async () => {
    await Deno.utime(`${folder}/index.html`, 1_700_000_000, 1_700_000_000);
    const preview = await deploy("--env", "preview");
    assert.deepEqual([preview.of, preview.build], [first.id, first.build]);
    await unkey("variables", "set", "COLOR=blue", "--project", "site", "--env", "production");
    const variable = await deploy("--env", "production");
    assert.deepEqual([variable.of, variable.build], [first.id, first.build], "the build reads no variable");
  });

  await t.step("another mode, byte or link", async () => {
    await Deno.chmod(`${folder}/index.html`, 0o755);
    const mode = await deploy();
    assertBuilt(mode, first);
    await Deno.writeTextFile(`${folder}/index.html`, "two");
    const byte = await deploy();
    assertBuilt(byte, mode);
    await Deno.remove(`${folder}/link.html`);
    await Deno.symlink("./index.html", `${folder}/link.html`);
    assertBuilt(await deploy(), byte);
  });

  await t.step("content that comes back", async () => {
    await Deno.chmod(`${folder}/index.html`, 0o644);
    await Deno.writeTextFile(`${folder}/index.html`, "one");
    await Deno.remove(`${folder}/link.html`);
    await Deno.symlink("index.html", `${folder}/link.html`);
    const back = await deploy();
    assert.deepEqual([back.of, back.build], [first.id, first.build]);
  });

  await t.step("another Dockerfile, argument or project", async () => {
    await Deno.writeTextFile(`${folder}/Dockerfile`, `${DOCKERFILE}\n# changed`);
    assert.equal((await deploy()).of, undefined);
    await Deno.writeTextFile(`${folder}/Dockerfile`, DOCKERFILE);
    assert.equal((await deploy("--build-arg", "A=1")).of, undefined);
    assert.equal((await deploy("--project", "other")).of, undefined);
  });

  let forced = first;
  await t.step(
    "--no-cache builds every step again, and its image is the one that is used from then on",
    async () => {
      forced = await deploy("--no-cache");
      assertBuilt(forced, first);
      const after = await deploy();
      assert.deepEqual([after.of, after.build], [forced.id, forced.build]);
    },
  );

  await t.step("an image that was removed by hand is built again", async () => {
    const { image } = JSON.parse((await unkey("status", forced.id, "--json")).stdout);
    await docker(["rmi", "--force", image]);
    const rebuilt = await deploy();
    assert.equal(rebuilt.of, undefined);
    assert.match(rebuilt.text, /^ok building/m);
    assert.equal((await deploy()).of, rebuilt.id);
  });
});
