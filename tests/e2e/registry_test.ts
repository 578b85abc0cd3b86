import assert from "node:assert/strict";
import { engineAnswers } from "../../pkg/testkit/base_image.ts";
import { hasRegistry, REGISTRY_USER, TestRegistry } from "../../pkg/testkit/registry.ts";
import { serves } from "../testbed/apps.ts";
import { answers, docker, Testbed, writeApp } from "../testbed/testbed.ts";

/** With a registry between them, the engine that builds and the one that runs need not be the same. */
Deno.test({
  name: "a build goes to the registry, and the app runs from there by digest",
  ignore: !await engineAnswers() || !hasRegistry(),
  fn: async () => {
    const blobs = await Deno.makeTempDir({ prefix: "unkey-registry-" });
    await using registry = await TestRegistry.start({ credentials: true, folder: blobs });
    const registryEnv = {
      UNKEY_REGISTRY_URL: `${registry.name}/apps`,
      UNKEY_REGISTRY_USERNAME: REGISTRY_USER.username,
      UNKEY_REGISTRY_PASSWORD: REGISTRY_USER.password.reveal(),
    };
    const images: string[] = [];
    {
      await using bed = await Testbed.start({ workerEnv: registryEnv, kraneEnv: registryEnv });
      const { slug } = await bed.project("pushed");
      const folder = await writeApp(bed, serves("from the registry"));
      const deploy = async (): Promise<{ id: string; urls: string[]; imageSourceDeploymentId?: string }> => {
        const where = ["--project", slug, "--env", "production", "--json"];
        const result = await bed.unkey(["deploy", folder, ...where]);
        assert.equal(result.code, 0, result.stdout + result.stderr);
        return JSON.parse(result.stdout);
      };
      const deployed = await deploy();
      await answers(bed, deployed.urls[0] ?? "", "from the registry");

      const [container = ""] = await bed.containers();
      const image = (await docker(["inspect", "--format", "{{.Config.Image}}", container])).stdout.trim();
      images.push(image);
      const pattern = new RegExp(`^${registry.name}/apps/ws_[a-z0-9]+/proj_[a-z0-9]+@sha256:[0-9a-f]{64}$`);
      assert.match(image, pattern);
      const [path = "", digest = ""] = image.slice(registry.name.length + 1).split("@");
      const accept = "application/vnd.docker.distribution.manifest.v2+json";
      const kept = await registry.fetch(`/v2/${path}/manifests/${digest}`, { headers: { accept } });
      await kept.body?.cancel();
      assert.equal(kept.status, 200, "the registry has what runs");

      const again = await deploy();
      assert.equal(again.imageSourceDeploymentId, deployed.id, "the same content, and its image is there");
      // A registry has a retention of its own.
      await registry.pause();
      await Deno.remove(`${blobs}/docker/registry/v2/repositories`, { recursive: true });
      await registry.resume();
      const rebuilt = await deploy();
      assert.equal(rebuilt.imageSourceDeploymentId, undefined, "its image is gone");
      await answers(bed, rebuilt.urls[0] ?? "", "from the registry");
      images.push(JSON.parse((await bed.unkey(["status", rebuilt.id, "--json"])).stdout).image);
    }
    await docker(["rmi", "--force", ...images]);
    await Deno.remove(blobs, { recursive: true });
  },
});
