import assert from "node:assert/strict";
import { deploy, resultOf, startParts } from "../shared/deploying/testing.ts";

const FILES = { "Dockerfile": "FROM scratch\nCOPY . /\n", ".git/HEAD": "ref", "a.txt": "a" };

/** The number of files that a deploy of these has sent. */
async function packed(
  files: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): Promise<number> {
  await using parts = await startParts({});
  const { code, stderr } = await deploy({ url: parts.plane.url, files, args });
  assert.equal(code, 0, stderr);
  return Number(/packed (\d+) file/.exec(stderr)?.[1]);
}

Deno.test("deploy sends .git only where it is asked for", async () => {
  assert.equal(await packed(FILES), 2);
  assert.equal(await packed(FILES, ["--include-git"]), 3);
  assert.equal(await packed({ ...FILES, "unkey.json": '{"build":{"includeGit":true}}' }), 4);
  assert.equal(await packed({ ...FILES, ".dockerignore": "!.git\n" }), 4);
  assert.equal(await packed({ ...FILES, "Dockerfile": "FROM scratch\nCOPY .git /g\n" }), 3);
});

Deno.test("deploy warns of secrets before they are sent, once, and lists the warnings in --json", async () => {
  const files = { ...FILES, ".env": "A=1", "web/id_rsa": "key" };
  await using parts = await startParts({});
  const deployed = await deploy({ url: parts.plane.url, files, args: ["--json"] });
  const says = "warning files that look like secrets are sent to the build. " +
    "To leave them out, add to .dockerignore:\n  .env\n  web/id_rsa\n";
  assert.equal(deployed.stderr.split(says).length, 2, deployed.stderr);
  assert.ok(deployed.stderr.indexOf(says) < deployed.stderr.indexOf("uploaded"));
  const { warnings } = resultOf(deployed);
  assert.deepEqual(warnings.map(({ code, paths }) => [code, paths]), [["secret_files", [
    ".env",
    "web/id_rsa",
  ]]]);
});

Deno.test("deploy lists its warnings also when it fails", async () => {
  await using parts = await startParts({ uploadAnswers: [403, 403] });
  const files = { ...FILES, ".env": "A=1" };
  const { warnings, error } = resultOf(await deploy({ url: parts.plane.url, files, args: ["--json"] }));
  assert.deepEqual([error?.code, warnings.length], ["upload_failed", 1]);
});
