/** The whole platform on MariaDB and S3; the other end-to-end tests run it on SQLite and files. */
import assert from "node:assert/strict";
import { Secret } from "../../pkg/config/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { packContext } from "../../pkg/testkit/context_archive/pack.ts";
import { hasMysqlServer, mysqlServer } from "../../pkg/testkit/mariadb.ts";
import { DeploymentService, DeploymentStatus } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { serves } from "../testbed/apps.ts";
import { onS3, S3_ABSENT, S3_KEYS, type S3Switch } from "../testbed/s3.ts";
import { answers, Testbed, writeApp } from "../testbed/testbed.ts";
import { eventually } from "../testbed/wait.ts";

Deno.test({
  name: "a folder and an old client's archive are deployed on MariaDB and S3, and output keeps its bytes",
  ignore: S3_ABSENT || !hasMysqlServer(),
  fn: () =>
    onS3(async ({ url, bucket, region }, server) => {
      const schema = await (await mysqlServer())?.createSchema();
      assert.ok(schema !== undefined);
      try {
        await using bed = await Testbed.start({
          databaseUrl: schema.url.reveal(),
          objects: {
            UNKEY_BUILD_S3_URL: url,
            UNKEY_BUILD_S3_BUCKET: bucket,
            UNKEY_BUILD_S3_REGION: region,
            UNKEY_BUILD_S3_ACCESS_KEY_ID: S3_KEYS.accessKeyId,
            UNKEY_BUILD_S3_ACCESS_KEY_SECRET: S3_KEYS.secretAccessKey.reveal(),
            UNKEY_BUILD_S3_ENCRYPTION: "AES256",
          },
        });
        const project = await bed.project("stores");
        await deploysAFolder(bed);
        await deploysAnArchive(bed, project.id);
        await survivesAnAbsence(bed, server);
      } finally {
        await schema.drop();
      }
    }),
});

async function deploysAFolder(bed: Testbed): Promise<void> {
  const folder = await writeApp(bed, serves("from S3"));
  const dockerfile = `${folder}/Dockerfile`;
  const text = await Deno.readTextFile(dockerfile);
  await Deno.writeTextFile(dockerfile, text.replace("trap", "printf 'key=1\\\\000after\\\\n'; trap"));
  const deploy = () => bed.unkey(["deploy", folder, "--project", "stores", "--env", "production", "--json"]);
  const first = await deploy();
  assert.equal(first.code, 0, first.stderr + first.stdout);
  const [url = ""] = JSON.parse(first.stdout).urls;
  await answers(bed, url, "from S3");
  await eventually("the line with a NUL", async () => {
    const logs = await bed.unkey(["logs", "stores", "--env", "production", "--source", "instance", "--json"]);
    return logs.stdout.includes("key=1\\u0000after");
  });
  await Deno.writeTextFile(`${folder}/www/index.html`, "changed");
  const second = await deploy();
  assert.equal(second.code, 0, second.stderr + second.stdout);
  await answers(bed, url, "changed");
}

/** Without its bucket the platform takes no new content; apps go on, and so does everything when it is back. */
async function survivesAnAbsence(bed: Testbed, server: S3Switch): Promise<void> {
  const folder = await writeApp(bed, serves("before"));
  const deploy = () => bed.unkey(["deploy", folder, "--project", "stores", "--env", "production", "--json"]);
  const before = await deploy();
  assert.equal(before.code, 0, before.stderr + before.stdout);
  const [url = ""] = JSON.parse(before.stdout).urls;
  await Deno.writeTextFile(`${folder}/www/index.html`, "after");
  await server.stop();
  const refused = await deploy();
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /upload|store/i);
  await answers(bed, url, "before");
  await server.start();
  const after = await deploy();
  assert.equal(after.code, 0, after.stderr + after.stdout);
  await answers(bed, url, "after");
}

/** Clients from before uploads by content send one archive to one URL. */
async function deploysAnArchive(bed: Testbed, projectId: string): Promise<void> {
  const root = await writeApp(bed, serves("from an archive"));
  const { signal } = new AbortController();
  await using packed = await packContext({
    root,
    dockerfile: { file: `${root}/Dockerfile`, name: "Dockerfile" },
    cacheDirectory: `${bed.directory}/packs`,
    temporaryDirectory: bed.directory,
    nowMs: Date.now(),
    signal,
  });
  const client = createRpcClient(DeploymentService, {
    baseUrl: bed.apiUrl,
    token: new Secret(bed.rootKey),
  });
  const upload = await client.createS3UploadURL({ unkeyProjectId: projectId });
  const sent = await fetch(upload.uploadUrl, { method: "PUT", body: await Deno.readFile(packed.path) });
  assert.equal(sent.status, 200, await sent.text());
  const { deploymentId } = await client.createDeployment({
    projectId,
    branch: "main",
    environmentSlug: "preview",
    source: { case: "buildContext", value: { buildContextPath: upload.buildContextPath } },
  });
  let url = "";
  await eventually("the archive to be deployed", async () => {
    const { deployment } = await client.getDeployment({ deploymentId });
    assert.notEqual(deployment?.status, DeploymentStatus.FAILED, deployment?.errorMessage ?? "");
    url = deployment?.urls[0] ?? "";
    return deployment?.status === DeploymentStatus.READY;
  });
  await answers(bed, url, "from an archive");
}
