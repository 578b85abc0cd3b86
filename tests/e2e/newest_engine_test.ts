/** The platform on Docker Engine 29 with the image store of new installations: build, run, replace. */
import assert from "node:assert/strict";
import { canStartEngine, PrivateEngine } from "../../pkg/testkit/private_engine.ts";
import { serves } from "../testbed/apps.ts";
import { LocalPlatform } from "../testbed/local.ts";
import { eventually } from "../testbed/wait.ts";
import { provideBaseImage } from "./base_image.ts";

Deno.test({
  name: "a folder is built, served and replaced on Docker Engine 29",
  ignore: !await canStartEngine("29"),
  fn: async () => {
    await using engine = await PrivateEngine.open({ engine: "29" });
    await provideBaseImage(engine);
    await using platform = await LocalPlatform.create();
    platform.settings["DOCKER_HOST"] = engine.host;
    await platform.start();
    const folder = `${platform.directory}/app`;
    const deploy = async (text: string) => {
      await Deno.mkdir(`${folder}/www`, { recursive: true });
      for (const [path, content] of Object.entries(serves(text, ["RUN echo built >/built"]))) {
        await Deno.writeTextFile(`${folder}/${path}`, content);
      }
      const { urls: [url = ""], id } = await platform.deploy([folder]);
      await platform.answers(url, text);
      return { id, url };
    };
    const { url } = await deploy("first");
    const { id } = await deploy("second");
    await eventually("its output", async () => {
      const { stdout } = await platform.unkey(["logs", id, "--source", "build"]);
      return stdout.includes("RUN echo built");
    });
    assert.equal((await platform.get(url)).body.trim(), "second");
    assert.match((await platform.unkey(["status", id])).stdout, /instances +1 of 1 running/);
  },
});
