/** The platform's image for two architectures: started on neither, but read. */
import assert from "node:assert/strict";
import { z } from "zod";
import { denoFor } from "../../dev/image_deno.ts";
import { runCommand } from "../../pkg/testkit/commands.ts";
import { canStartEngine, PrivateEngine } from "../../pkg/testkit/private_engine.ts";
import { Docker, output } from "./compose/docker.ts";

const IMAGE = new URL("../../dev/image.ts", import.meta.url).pathname;
/** `e_machine` of ELF files. */
const MACHINES: Readonly<Record<string, number>> = { amd64: 0x3e, arm64: 0xb7 };
const MACHINE_AT = 18;

const Index = z.object({
  manifests: z.array(z.object({
    digest: z.string(),
    platform: z.object({ architecture: z.string() }).optional(),
  })),
});
const Manifest = z.object({
  config: z.object({ digest: z.string() }),
  layers: z.array(z.object({ digest: z.string() })),
});
const Config = z.object({
  architecture: z.string(),
  config: z.object({
    User: z.string(),
    StopSignal: z.string(),
    Entrypoint: z.array(z.string()),
    Labels: z.record(z.string(), z.string()),
  }),
});

/** An OCI archive as a folder. */
async function unpacked(archive: string, folder: string) {
  await Deno.mkdir(folder);
  await runCommand("tar", "-xf", archive, "-C", folder);
  const blob = (digest: string): string => `${folder}/blobs/${digest.replace(":", "/")}`;
  const json = async (path: string): Promise<unknown> => JSON.parse(await Deno.readTextFile(path));
  const [top] = Index.parse(await json(`${folder}/index.json`)).manifests;
  const { manifests } = Index.parse(await json(blob(top?.digest ?? "")));
  const images = manifests.filter(({ platform }) => platform?.architecture !== "unknown");
  return await Promise.all(images.map(async ({ digest }) => {
    const { config, layers } = Manifest.parse(await json(blob(digest)));
    return {
      config: Config.parse(await json(blob(config.digest))),
      layers: layers.map((layer) => blob(layer.digest)),
    };
  }));
}

async function machineOf(layers: readonly string[], folder: string): Promise<number> {
  for (const layer of layers) {
    const { code } = await output("tar", ["-xf", layer, "-C", folder, "usr/local/bin/deno"]);
    if (code === 0) return (await Deno.readFile(`${folder}/usr/local/bin/deno`))[MACHINE_AT] ?? 0;
  }
  return 0;
}

Deno.test({
  name: "an image for two architectures has the program of each, and the same settings",
  ignore: !await canStartEngine("29"),
  fn: async () => {
    await denoFor("arm64");
    const directory = await Deno.makeTempDir({ prefix: "unkey-platforms-" });
    try {
      await using engine = await PrivateEngine.open({ engine: "29" });
      const docker = await Docker.open(engine.host, `${directory}/docker`);
      const archive = `${directory}/image.tar`;
      // The public base cannot be pulled everywhere; the files that come on top of it are what is looked at.
      const flags = [
        "--bundle",
        "--platform",
        "linux/amd64,linux/arm64",
        "--base",
        "scratch",
        "--output",
        archive,
      ];
      const args = ["run", "-A", "--quiet", IMAGE, ...flags, "unkey:platforms"];
      const built = await output(Deno.execPath(), args, { env: docker.env });
      assert.equal(built.code, 0, built.stderr);
      const images = await unpacked(archive, `${directory}/oci`);
      assert.deepEqual(images.map(({ config }) => config.architecture).toSorted(), ["amd64", "arm64"]);
      for (const { config: { architecture, config }, layers } of images) {
        assert.equal(config.User, "65532:65532");
        assert.equal(config.StopSignal, "SIGTERM");
        assert.deepEqual(config.Entrypoint, ["/usr/local/bin/unkey"]);
        assert.equal(config.Labels["org.opencontainers.image.title"], "unkey");
        assert.match(config.Labels["org.opencontainers.image.version"] ?? "", /^\d+\.\d+\.\d+$/);
        assert.equal(await machineOf(layers, directory), MACHINES[architecture], architecture);
      }
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});

Deno.test("an image for a platform is refused without a place for it, or with an executable", async (t) => {
  const table: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["no bundle", ["--platform", "linux/arm64", "--push"], /goes with --bundle/],
    ["no place", ["--bundle", "--platform", "linux/arm64"], /either --push or --output/],
    ["two places", ["--bundle", "--platform", "linux/arm64", "--push", "--output", "x"], /either --push or/],
    ["another platform", ["--bundle", "--platform", "linux/s390x", "--push"], /no "linux\/s390x"/],
  ];
  for (const [name, args, text] of table) {
    await t.step(name, async () => {
      const { code, stderr } = await output(Deno.execPath(), ["run", "-A", "--quiet", IMAGE, ...args]);
      assert.notEqual(code, 0);
      assert.match(stderr, text);
    });
  }
});
