import { Code, ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { randomBytes, sha256 } from "../../pkg/content/testing.ts";
import { digestKey } from "../../pkg/content/mod.ts";
import { startApi } from "../../svc/ctrl/services/testing.ts";
import { DeployFailure } from "../../cmd/shared/deploying/result.ts";
import { entriesOf, keysOf, type Script, type Sent, UploadFixture } from "./upload_fixture.ts";

/** A folder whose long name makes a manifest of several chunks. */
const SOURCES = `src-${"x".repeat(150)}`;

function manyFiles(): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: 3_000 }, (_, index) => [`${SOURCES}/${index}.txt`, `file ${index}`]),
  );
}

function keyOf(text: string): string {
  return digestKey(sha256(new TextEncoder().encode(text)));
}

function failed({ error, path }: Sent, code: string, text: RegExp): void {
  assert.equal(path, undefined);
  assert.ok(error instanceof DeployFailure, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, text);
}

/** Calls `change` before the server is asked about the context, when the folder is read. */
function whenRead(change: () => Promise<void>): Script {
  return {
    client: (real) => ({
      prepareContext: async (request, options) => {
        if (request.root !== undefined) await change();
        return await real.prepareContext(request, options);
      },
    }),
  };
}

Deno.test("sendFolder() sends what changed only", async (t) => {
  await using api = await startApi({ uploadFilesMax: 10_000 });
  await using folder = await UploadFixture.create(api, "acme", manyFiles());
  const first = await folder.send();
  assert.match(first.printed, /^ok packed 3001 files, 2\d\.\d KiB \(.*\)\nok uploaded [\d.]+ KiB \(.*\)\n$/);
  assert.ok(first.manifest.length > 3, `${first.manifest.length} chunks of the manifest`);

  await t.step("nothing of an unchanged folder", async () => {
    const sent = await folder.send();
    assert.deepEqual({ path: sent.path, puts: sent.puts }, { path: first.path, puts: 0 });
    assert.match(sent.printed, /\nok unchanged, nothing to upload \(.*\)\n$/);
  });
  await t.step("a changed file's chunk and a part of the manifest", async () => {
    await folder.write({ [`${SOURCES}/1500.txt`]: "another text" });
    const sent = await folder.send();
    const keys = keysOf(sent);
    assert.ok(sent.path !== undefined && sent.path !== first.path);
    assert.ok(keys.includes(keyOf("another text")));
    const ofManifest = keys.filter((key) => sent.manifest.includes(key));
    assert.equal(keys.length, 1 + ofManifest.length);
    assert.ok(ofManifest.length < sent.manifest.length, "a part of the manifest");
  });
  await t.step("the manifest of a file that was touched", async () => {
    await Deno.utime(`${folder.folder}/${SOURCES}/7.txt`, 1_000_000_000, 1_000_000_000);
    const sent = await folder.send();
    const keys = keysOf(sent);
    assert.ok(keys.length > 0 && keys.every((key) => sent.manifest.includes(key)));
  });
  await t.step("nothing of a folder as it was before", async () => {
    await folder.write({ [`${SOURCES}/1500.txt`]: "file 1500" });
    const sent = await folder.send();
    assert.ok(keysOf(sent).every((key) => sent.manifest.includes(key)), "its chunks are stored still");
  });
});

/** More than is kept in memory between digests and packs. */
const LARGE = "x".repeat(2 << 20);

Deno.test("sendFolder() sends small files as they were when they were read", async () => {
  await using api = await startApi();
  await using folder = await UploadFixture.create(api, "acme", { "a.txt": "a", "b.txt": "b" });
  let calls = 0;
  const sent = await folder.send(whenRead(async () => {
    calls++;
    await Deno.writeTextFile(`${folder.folder}/a.txt`, "changed");
    await Deno.remove(`${folder.folder}/b.txt`);
  }));
  assert.match(sent.path ?? String(sent.error), /^context\//);
  assert.equal(calls, 1);
  assert.deepEqual(entriesOf(sent).map(({ path, size }) => [path, size]), [
    ["Dockerfile", 13],
    ["a.txt", 1],
    ["b.txt", 1],
  ]);
  const next = await folder.send();
  assert.ok(keysOf(next).includes(keyOf("changed")), "the next deploy sees the change");
});

Deno.test("sendFolder() reads the folder again when a large file changes before its turn", async (t) => {
  await using api = await startApi();
  const changes: Readonly<Record<string, (file: string) => Promise<void>>> = {
    "vanishes": (file) => Deno.remove(file),
    "changes": (file) => Deno.writeTextFile(file, "changed text"),
  };
  for (const [name, change] of Object.entries(changes)) {
    await t.step(name, async () => {
      await using folder = await UploadFixture.create(api, name, { "a.txt": LARGE, "b.txt": "b" });
      let calls = 0;
      const sent = await folder.send(whenRead(async () => {
        if (calls++ === 0) await change(`${folder.folder}/a.txt`);
      }));
      assert.match(sent.path ?? String(sent.error), /^context\//);
      assert.match(sent.printed, /\nnote "a\.txt" changed while it was uploaded: the folder is read again\n/);
      const found = entriesOf(sent).find(({ path }) => path === "a.txt");
      assert.equal(found?.size, name === "vanishes" ? undefined : 12);
      assert.equal((await folder.send()).puts, 0);
    });
  }
});

Deno.test("sendFolder() gives up on a large file that changes all the time", async () => {
  await using api = await startApi();
  await using folder = await UploadFixture.create(api, "acme", { "app.log": LARGE });
  let calls = 0;
  const sent = await folder.send(whenRead(() => folder.write({ "app.log": `line ${++calls}${LARGE}` })));
  failed(sent, "context_invalid", /^"app\.log" changed while it was uploaded\. Exclude it in \.dockerignore/);
  assert.equal(calls, 3);
});

Deno.test("sendFolder() uploads again what was collected before the context was committed", async () => {
  await using api = await startApi();
  await using folder = await UploadFixture.create(api, "acme", { "a.txt": "a" });
  let [commits, questions] = [0, 0];
  const lost = new ConnectError("a part is not stored", Code.FailedPrecondition);
  const script = (times: number): Script => ({
    client: (real) => ({
      findMissingChunks: (request, options) => {
        questions++;
        return real.findMissingChunks(request, options);
      },
      commitContext: (request, options) =>
        ++commits > times ? real.commitContext(request, options) : Promise.reject(lost),
    }),
  });
  const refused = await folder.send(script(10));
  assert.match(String(refused.error), /a part is not stored/);
  assert.deepEqual([commits, questions], [2, 2]);
  [commits, questions] = [0, 0];
  assert.match((await folder.send(script(1))).path ?? "", /^context\//);
  assert.deepEqual([commits, questions], [2, 2]);
});

Deno.test("sendFolder() refuses what is over a limit, and names the largest paths", async (t) => {
  await using api = await startApi({ uploadContentMax: 1, uploadFilesMax: 6 });
  await t.step("bytes", async () => {
    const files = { "data/a": randomBytes(900_000, 1), "data/b": randomBytes(900_000, 3), "small": "x" };
    await using folder = await UploadFixture.create(api, "acme", files);
    const sent = await folder.send();
    failed(
      sent,
      "too_large",
      /^The folder has 1\.7 MiB, and at most 1 MiB are allowed\. It holds most in:\n +1\.7 MiB {2}data\/\n/,
    );
    failed(sent, "too_large", /\nExclude what the build does not need in \.dockerignore\.$/);
    assert.equal(sent.puts, 0);
    assert.equal(sent.printed, "", "nothing was packed");
  });
  await t.step("files", async () => {
    const modules = Object.fromEntries(["a", "b", "c", "d"].map((name) => [`node_modules/${name}`, name]));
    await using folder = await UploadFixture.create(api, "globex", { ...modules, "src/x": "x" });
    const sent = await folder.send();
    failed(
      sent,
      "too_large",
      /^The folder has 8 files and folders, and at most 6 are allowed\. It holds most in:\n {2}5 {2}node_modules\/\n {2}2 {2}src\/\n {2}1 {2}Dockerfile\n/,
    );
    assert.equal(sent.puts, 0);
  });
});

Deno.test("sendFolder() leaves out sockets and pipes with a note", async () => {
  await using api = await startApi();
  await using folder = await UploadFixture.create(api, "acme", { "a.txt": "a" });
  using _socket = Deno.listen({ transport: "unix", path: `${folder.folder}/a.sock` });
  const first = await folder.send();
  assert.match(
    first.printed,
    /^ok packed 2 files, 14 bytes .*\nnote "a\.sock" is a socket or a pipe and is left out\nok/,
  );
  for (const [name, text] of [["b", "1 more socket or pipe"], ["c", "2 more sockets and pipes"]] as const) {
    await new Deno.Command("mkfifo", { args: [`${folder.folder}/${name}.pipe`] }).output();
    const { printed, puts } = await folder.send();
    assert.equal(printed.split("\n")[1], `note "a.sock" and ${text} are left out`);
    assert.equal(puts, 0, "the same context");
  }
  assert.deepEqual(entriesOf(first).map(({ path }) => path), ["Dockerfile", "a.txt"]);
});

Deno.test("sendFolder() sends links, hard links, empty files and folders as they are", async () => {
  await using api = await startApi();
  await using folder = await UploadFixture.create(api, "acme", { "a/file": "text", "empty": "" });
  const { folder: root } = folder;
  await Deno.link(`${root}/a/file`, `${root}/hard`);
  await Deno.symlink("../nowhere", `${root}/link`);
  await Deno.mkdir(`${root}/none`);
  const sent = await folder.send();
  const entries = entriesOf(sent).map(({ path, kind, size, target }) => ({ path, kind, size, target }));
  assert.deepEqual(entries, [
    { path: "Dockerfile", kind: "file", size: 13, target: "" },
    { path: "a", kind: "folder", size: 0, target: "" },
    { path: "a/file", kind: "file", size: 4, target: "" },
    { path: "empty", kind: "file", size: 0, target: "" },
    { path: "hard", kind: "hard_link", size: 0, target: "a/file" },
    { path: "link", kind: "link", size: 0, target: "../nowhere" },
    { path: "none", kind: "folder", size: 0, target: "" },
  ]);
  assert.equal((await folder.send()).path, sent.path);
});

Deno.test("sendFolder() sends a context of which everything is excluded", async () => {
  await using api = await startApi();
  await using folder = await UploadFixture.create(api, "acme", {
    ".dockerignore": "*\n!/nothing\nDockerfile\n.dockerignore\n",
  });
  const sent = await folder.send();
  assert.match(sent.path ?? String(sent.error), /^context\//);
});
