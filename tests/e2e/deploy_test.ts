import assert from "node:assert/strict";
import { EXITS_AT_ONCE, FAILS_TO_BUILD, NEVER_LISTENS, serves } from "../testbed/apps.ts";
import { answers, type CommandResult, Testbed, writeApp } from "../testbed/testbed.ts";

/** The output of `unkey deploy --json`, as far as these tests read it. */
interface DeployJson {
  readonly id: string | null;
  readonly status: string;
  readonly urls: readonly string[];
  readonly live?: { readonly id: string; readonly urls: readonly string[] };
  readonly timings: Readonly<Record<string, number>>;
  readonly error?: { readonly code: string; readonly message: string };
}

function parse({ stdout, stderr }: CommandResult): DeployJson {
  assert.equal(stdout.trim().split("\n").length, 1, `one JSON object on stdout, got: ${stdout}\n${stderr}`);
  return JSON.parse(stdout);
}

/** Two lines of requests that run until the returned function is called; it answers how they went. */
function keepAsking(bed: Testbed, url: string): () => Promise<{ asked: number; failed: string[] }> {
  let stopped = false;
  let asked = 0;
  const failed: string[] = [];
  const line = async (): Promise<void> => {
    while (!stopped) {
      asked++;
      const { status, body } = await bed.get(url).catch((error: unknown) => ({
        status: 0,
        body: String(error),
      }));
      if (status !== 200) failed.push(`${status} ${body.slice(0, 200)}`);
    }
  };
  const lines = [line(), line()];
  return async () => {
    stopped = true;
    await Promise.all(lines);
    return { asked, failed };
  };
}

Deno.test("deploying to the real platform", async (t) => {
  await using bed = await Testbed.start({
    apiEnv: { UNKEY_UPLOAD_CONTENT_MAX: "1" },
    workerEnv: { UNKEY_DEPLOY_LISTEN_SECONDS: "20" },
  });
  const { slug } = await bed.project("shop");
  const production = ["--project", slug, "--env", "production", "--json"];
  let url = "";

  await t.step("an app answers at its URL", async () => {
    const folder = await writeApp(bed, serves("version one"));
    const result = await bed.unkey(["deploy", folder, ...production]);
    const deployed = parse(result);
    assert.equal(result.code, 0, result.stderr);
    assert.equal(deployed.status, "ready");
    assert.ok(deployed.urls.length > 0);
    for (const each of ["packMs", "uploadMs", "buildMs", "totalMs"]) {
      assert.ok(each in deployed.timings, each);
    }
    url = deployed.urls[0] ?? "";
    for (const each of deployed.urls) await answers(bed, each, "version one");
  });

  const failures: readonly {
    readonly name: string;
    readonly folder: () => Promise<string>;
    readonly args?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    readonly status: string;
    readonly code: string;
    readonly says: readonly RegExp[];
  }[] = [
    {
      name: "a Dockerfile that fails to build",
      folder: () => writeApp(bed, FAILS_TO_BUILD),
      status: "failed",
      code: "build_failed",
      says: [/RUN echo "main\.c:7/, /exit(ed with)? code:? 3/, /expected ;/],
    },
    {
      name: "an app that exits at once",
      folder: () => writeApp(bed, EXITS_AT_ONCE),
      status: "failed",
      code: "crash_loop",
      says: [/\b7\b/, /cannot find settings\.toml/],
    },
    {
      name: "an app that never listens",
      folder: () => writeApp(bed, NEVER_LISTENS),
      status: "failed",
      code: "not_listening",
      says: [/8080/, /0\.0\.0\.0/],
    },
    {
      name: "a folder without a Dockerfile",
      folder: () => writeApp(bed, { "index.html": "no Dockerfile here" }),
      status: "failed",
      code: "dockerfile_missing",
      says: [/Dockerfile/],
    },
    {
      name: "a context over the limit",
      folder: async () => {
        const folder = await writeApp(bed, serves("too much"));
        const noise = new Uint8Array(4 * 1024 * 1024);
        for (let at = 0; at < noise.length; at += 65_536) {
          crypto.getRandomValues(noise.subarray(at, at + 65_536));
        }
        await Deno.writeFile(`${folder}/noise.bin`, noise);
        return folder;
      },
      status: "failed",
      code: "too_large",
      says: [/1 MiB|1\.0 MiB|1048576/, /\.dockerignore/],
    },
    {
      name: "a wrong root key",
      folder: () => writeApp(bed, serves("never seen")),
      env: { UNKEY_ROOT_KEY: "unkey_wrong" },
      status: "failed",
      code: "unauthenticated",
      says: [/unkey login|UNKEY_ROOT_KEY/],
    },
  ];
  for (const { name, folder, args = [], env = {}, status, code, says } of failures) {
    await t.step(
      `${name} ends with a message that helps, and the previous version keeps serving`,
      async () => {
        const result = await bed.unkey(["deploy", await folder(), ...production, ...args], env);
        const failed = parse(result);
        assert.notEqual(result.code, 0);
        assert.equal(failed.status, status, result.stdout);
        assert.equal(failed.error?.code, code, result.stdout);
        for (const pattern of says) assert.match(failed.error?.message ?? "", pattern);
        await answers(bed, url, "version one");
        // Where nothing was created, nothing could have taken its place.
        assert.deepEqual(failed.live?.urls[0], failed.id === null ? undefined : url);
      },
    );
  }

  await t.step("a project of another workspace looks like one that does not exist", async () => {
    const operator = bed.admin(bed.serviceToken);
    const { workspaceId } = await operator.createWorkspace({ name: "Other", slug: "other" });
    const { key } = await operator.createRootKey({ workspaceId, name: "other", permissions: ["*"] });
    const folder = await writeApp(bed, serves("not yours"));
    const messages: string[] = [];
    for (const project of [slug, "no-such-project"]) {
      const result = await bed.unkey(["deploy", folder, "--project", project, "--json"], {
        UNKEY_ROOT_KEY: key,
      });
      assert.notEqual(result.code, 0);
      assert.equal(parse(result).error?.code, "not_found");
      messages.push((parse(result).error?.message ?? "").replaceAll(project, "X"));
    }
    assert.equal(messages[0], messages[1]);
    await answers(bed, url, "version one");
  });

  await t.step("a second version replaces the first with no failed request", async () => {
    const folder = await writeApp(bed, serves("version two"));
    const stop = keepAsking(bed, url);
    const result = await bed.unkey(["deploy", folder, ...production]);
    assert.equal(result.code, 0, result.stderr);
    await answers(bed, url, "version two");
    const { asked, failed } = await stop();
    assert.deepEqual(failed, []);
    assert.ok(asked > 10, `${asked} requests ran during the deploy`);
  });
});
