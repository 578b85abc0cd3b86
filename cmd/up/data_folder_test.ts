import assert from "node:assert/strict";
import { join } from "node:path";
import { dataFolder, makeDataFolder, readState, type State, writeState } from "./data_folder.ts";

const STATE: State = {
  id: "abc",
  ports: { worker: 4, workerHealth: 5, krane: 6 },
  serviceToken: "service-secret",
  vaultMasterKey: "vault-secret",
  objectSigningKey: "objects-secret",
};

async function withFolder(test: (root: string) => Promise<void>): Promise<void> {
  const parent = await Deno.makeTempDir({ prefix: "unkey-up-" });
  try {
    await test(join(parent, "data"));
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
}

Deno.test("the state is kept as it is, and only its owner can read it", () =>
  withFolder(async (root) => {
    const folder = dataFolder(root);
    await makeDataFolder(folder);
    assert.equal(await readState(folder), undefined);
    await writeState(folder, STATE);
    await writeState(folder, { ...STATE, rootKey: "unkey_1" });
    assert.deepEqual(await readState(folder), { ...STATE, rootKey: "unkey_1" });
    assert.equal(((await Deno.stat(folder.state)).mode ?? 0) & 0o777, 0o600);
    assert.equal(((await Deno.stat(root)).mode ?? 0) & 0o777, 0o700);
    const names = (await Array.fromAsync(Deno.readDir(root))).map((each) => each.name).toSorted();
    assert.deepEqual(names, ["krane", "logs", "state.json"], "nothing temporary stays");
  }));

/** Scripts make the folder before the first start, and earlier versions left the database readable for all users. */
Deno.test("a folder that others could read is for its owner only after the next start", () =>
  withFolder(async (root) => {
    const folder = dataFolder(root);
    await Deno.mkdir(join(root, "restate"), { recursive: true });
    await Deno.writeTextFile(folder.database, "");
    for (const [path, mode] of [[root, 0o755], [folder.restate, 0o755], [folder.database, 0o644]] as const) {
      await Deno.chmod(path, mode);
    }
    await makeDataFolder(folder);
    for (const path of [root, folder.restate, folder.database, folder.krane]) {
      assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o077, 0, path);
    }
  }));

/** New secrets over old data would make the data unreadable. */
Deno.test("a damaged state stops the start, and its text is not repeated", () =>
  withFolder(async (root) => {
    const folder = dataFolder(root);
    await makeDataFolder(folder);
    for (const text of ["", "{", `{"serviceToken":"service-secret"}`]) {
      await Deno.writeTextFile(folder.state, text);
      await assert.rejects(readState(folder), (error: Error) => {
        assert.match(error.message, /cannot be read, and it holds the secrets.*--data-dir/);
        assert.doesNotMatch(error.message, /service-secret/);
        return true;
      });
    }
  }));

Deno.test("a folder that cannot be made is named", () =>
  withFolder(async (root) => {
    await Deno.writeTextFile(root, "a file");
    await assert.rejects(makeDataFolder(dataFolder(root)), {
      code: "failed_precondition",
      publicMessage: `The data folder ${root} cannot be used. Choose another with --data-dir.`,
    });
  }));
