/** OpenAPI documents from real apps to the comparison that a pipeline fails on. */
import assert from "node:assert/strict";
import { checkedFetch } from "../../svc/ctrl/api/rest/testing.ts";
import { LocalPlatform } from "../testbed/local.ts";
import { eventually } from "../testbed/wait.ts";

const DOCKERFILE = `FROM busybox:stable
COPY api.txt /www/openapi.json
CMD ["sh", "-c", "exec httpd -f -p $PORT -h /www"]
`;
const JSON_DOCUMENT = JSON.stringify({
  openapi: "3.1.0",
  info: { title: "shop", version: "1" },
  paths: { "/pets": { get: { operationId: "listPets" } }, "/orders": { get: {} } },
});
/** The same API in YAML, without its orders, and with a parameter that former clients do not send. */
const YAML_DOCUMENT = `openapi: 3.1.0
info: { title: shop, version: "2" }
paths:
  /pets:
    get:
      operationId: listPets
      parameters:
        - { name: currency, in: query, required: true, schema: { type: string } }
`;

Deno.test("two versions of an app's API are read from it and compared", async (t) => {
  await using platform = await LocalPlatform.create();
  await platform.start();
  const folder = `${platform.directory}/shop`;
  await Deno.mkdir(folder);
  await Deno.writeTextFile(`${folder}/Dockerfile`, DOCKERFILE);
  const unkey = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await platform.unkey(args);
    assert.equal(code, 0, `$ unkey ${args.join(" ")}\n${stderr}${stdout}`);
    return stdout;
  };
  await Deno.writeTextFile(`${folder}/api.txt`, JSON_DOCUMENT);
  await unkey("init", folder, "--create", "--env", "production");
  const deploy = async (document: string): Promise<string> => {
    await Deno.writeTextFile(`${folder}/api.txt`, document);
    const args = ["deploy", folder, "--openapi-path", "/openapi.json", "--json"];
    return JSON.parse(await unkey(...args)).id;
  };
  const diff = (...args: readonly string[]) => platform.unkey(["openapi", "diff", ...args]);
  const read = (id: string) =>
    eventually(`the document of ${id} to be read`, async () => (await diff(id, id)).code === 0);

  let [first, second] = ["", ""];
  await t.step("each deployment's document is read once it is ready", async () => {
    first = await deploy(JSON_DOCUMENT);
    await read(first);
    second = await deploy(YAML_DOCUMENT);
    await read(second);
  });

  await t.step("a comparison names what breaks clients, and can fail a pipeline", async () => {
    const { changes, breaking } = JSON.parse(await unkey("openapi", "diff", first, second, "--json"));
    const shown = changes.map(({ level, id, path }: Record<string, string>) => `${level} ${id} ${path}`);
    assert.deepEqual([breaking, shown], [true, [
      "breaking new-required-request-parameter /pets",
      "breaking api-path-removed-without-deprecation /orders",
    ]]);
    const failed = await diff(first, second, "--fail-on", "breaking");
    assert.deepEqual([failed.code, /2 changes: 2 breaking/.test(failed.stdout)], [1, true], failed.stderr);
    assert.equal((await diff(second, second, "--fail-on", "breaking")).code, 0);
  });

  await t.step("the events of the deployment say it, too", async () => {
    const { key } = JSON.parse(await unkey("keys", "create", "ci", "--permissions", "read", "--json"));
    const response = await checkedFetch(`http://127.0.0.1:${platform.apiPort}/v2/deploy.streamEvents`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ deploymentId: second }),
    });
    assert.match(
      await response.text(),
      /OpenAPI 3\.1\.0 document with 1 operation: 2 changes since d_\w+, 2 of them breaking/,
    );
  });

  await t.step("an app without a document is deployed all the same, and the reason is kept", async () => {
    const third = await deploy("no document");
    const reason = /has no OpenAPI document: what is at "\/openapi\.json" /;
    await eventually("the reason to be kept", async () => reason.test((await diff(first, third)).stderr));
  });
});
