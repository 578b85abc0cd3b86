import assert from "node:assert/strict";
import { join } from "node:path";
import { openEngine } from "../../pkg/docker/mod.ts";
import { buildNetworkNotice, checkDocker } from "./engine.ts";

async function check(host: string, path: string): Promise<unknown> {
  const engine = openEngine(host);
  try {
    return await checkDocker(
      engine,
      (name) => name === "PATH" ? path : undefined,
      AbortSignal.timeout(120_000),
    );
  } finally {
    engine.close();
  }
}

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "unkey-docker-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("Docker that is installed but does not run: the message says how to start it", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "docker"), "");
    await assert.rejects(check(`unix://${folder}/docker.sock`, folder), {
      code: "failed_precondition",
      publicMessage:
        /^Docker is installed but does not run .*(systemctl start docker|Docker Desktop).* again\.$/,
    });
  }));

Deno.test("a socket without a listener counts as not running", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "docker"), "");
    const path = join(folder, "docker.sock");
    Deno.listen({ transport: "unix", path }).close();
    await assert.rejects(check(`unix://${path}`, folder), { publicMessage: /does not run/ });
  }));

Deno.test("an engine elsewhere that does not answer is named", () =>
  withFolder(async (folder) => {
    await assert.rejects(check("tcp://127.0.0.1:1", folder), {
      code: "failed_precondition",
      publicMessage: /^No Docker Engine answers at tcp:\/\/127\.0\.0\.1:1\. .*DOCKER_HOST/,
    });
  }));

Deno.test("up warns in one line when Docker is too old to keep builds from private addresses", () => {
  for (const version of ["20.10.24+dfsg1", "19.03.15", "22.06.0-beta.0"]) {
    const notice = buildNetworkNotice(version) ?? "";
    assert.ok(notice.startsWith(`builds with Docker ${version} can reach this machine`), notice);
    assert.doesNotMatch(notice, /\n/);
  }
  for (const version of ["23.0.0", "29.2.0", "dev"]) assert.equal(buildNetworkNotice(version), undefined);
});
