import assert from "node:assert/strict";
import { openEngine } from "../../pkg/docker/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { removeAppContainers } from "./containers.ts";

const IMAGE = "unkey-test/up-containers:1";

async function docker(args: readonly string[], stdin?: Uint8Array<ArrayBuffer>): Promise<string> {
  const child = new Deno.Command("docker", {
    args: [...args],
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (stdin !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(stdin);
    await writer.close();
  }
  const { success, stdout, stderr } = await child.output();
  if (!success) throw new Error(`docker ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout).trim();
}

const DOCKER = await docker(["version"]).then(() => true, () => false);

/** Another platform's apps, and everything else that Docker runs, are none of our business. */
Deno.test({
  name: "only the containers and the network of one platform are removed",
  ignore: !DOCKER,
  async fn() {
    const empty = new Uint8Array(1024); // a tar archive without files
    await docker(["import", "-", IMAGE], empty);
    const create = (label: string): Promise<string> =>
      docker(["create", "--label", label, IMAGE, "/nothing"]);
    const id = crypto.randomUUID().slice(0, 8);
    const own = [await create(`unkey.control-plane=${id}`), await create(`unkey.control-plane=${id}`)];
    const others = [await create(`unkey.control-plane=${id}-other`), await create("something=else")];
    const network = async (owner: string): Promise<string> => {
      const name = `unkey-test-${owner}`;
      await docker(["network", "create", "--label", `unkey.control-plane=${owner}`, name]);
      return name;
    };
    const engine = openEngine();
    const networks = [await network(id), await network(`${id}-other`)];
    try {
      assert.equal(await removeAppContainers(engine, id, silentLogger()), 2);
      const left = (await docker(["ps", "--all", "--quiet", "--no-trunc"])).split("\n");
      assert.deepEqual(own.filter((each) => left.includes(each)), []);
      assert.deepEqual(others.filter((each) => left.includes(each)), others);
      const known = (await docker(["network", "ls", "--format", "{{.Name}}"])).split("\n");
      assert.deepEqual(networks.filter((each) => known.includes(each)), [`unkey-test-${id}-other`]);
      assert.equal(await removeAppContainers(engine, id, silentLogger()), 0);
    } finally {
      engine.close();
      await docker(["rm", "--force", ...others]);
      for (const each of own) await docker(["rm", "--force", each]).catch(() => undefined);
      for (const each of networks) await docker(["network", "rm", each]).catch(() => undefined);
      await docker(["rmi", IMAGE]);
    }
  },
});
