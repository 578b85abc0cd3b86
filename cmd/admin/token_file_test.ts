import assert from "node:assert/strict";
import { onlyJson } from "../shared/testing.ts";
import { controlPlane } from "./testing.ts";

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "unkey-token-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const NETWORKS = ["--networks", "fd00::/8,10.0.0.0/8"];
const CREATE = ["region-tokens", "create", "eu-1", ...NETWORKS, "--token-file"];

Deno.test("admin region-tokens create --token-file writes a token that its user alone reads, once", () =>
  inFolder(async (folder) => {
    await using api = await controlPlane();
    const path = `${folder}/token`;
    const first = await api.run(...CREATE, path);
    assert.deepEqual([first.code, first.stdout], [0, ""], first.stderr);
    assert.equal(first.stderr, `${path} has the token rt_1, which is new.\n`);
    assert.equal(await Deno.readTextFile(path), "region_secret\n");
    assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
    const again = await api.run(...CREATE, path);
    assert.equal(again.stderr, `${path} has the token rt_1, which is still good.\n`);
    assert.deepEqual(onlyJson(await api.run(...CREATE, path, "--json")), {
      id: "rt_1",
      region: "eu-1",
      tokenFile: path,
      created: false,
    });
    assert.deepEqual(api.created, [["eu-1", "fd00::/8", "10.0.0.0/8"]]);
  }));

Deno.test("admin region-tokens create --token-file replaces a token that is revoked, or of another region", () =>
  inFolder(async (folder) => {
    await using api = await controlPlane();
    const path = `${folder}/token`;
    for (const id of ["rt_gone", "rt_2", ""]) {
      await Deno.writeTextFile(path, "former\n");
      await Deno.writeTextFile(`${path}.id`, id);
      const { stderr } = await api.run(...CREATE, path);
      assert.match(stderr, /has the token rt_1, which is new/, id);
      assert.equal(await Deno.readTextFile(path), "region_secret\n");
    }
    assert.equal(api.created.length, 3);
  }));

Deno.test("admin region-tokens create --token-file replaces a token with other networks, and revokes it", () =>
  inFolder(async (folder) => {
    await using api = await controlPlane();
    const path = `${folder}/token`;
    await Deno.writeTextFile(path, "former\n");
    await Deno.writeTextFile(`${path}.id`, "rt_0");
    const { stderr } = await api.run(...CREATE, path);
    assert.match(stderr, /has the token rt_1, which is new/);
    assert.equal(await Deno.readTextFile(path), "region_secret\n");
    assert.deepEqual(api.revoked, ["rt_0"]);
  }));

Deno.test("admin region-tokens create --token-file revokes a token that it cannot write down", () =>
  inFolder(async (folder) => {
    await using api = await controlPlane();
    const { code, stdout, stderr } = await api.run(...CREATE, `${folder}/missing/token`);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /token file .*missing\/token cannot be written: .*Its folder has to be there/);
    assert.deepEqual(api.revoked, ["rt_1"]);
  }));
