import { LineCutter } from "../../pkg/lines/mod.ts";
import type { LocalPlatform } from "../testbed/local.ts";
import { docker } from "../testbed/testbed.ts";

/** Times from the start of the command. */
export interface Deployed {
  readonly sentMs: number;
  /** As the command says it, to a tenth of its unit. */
  readonly sentBytes: number;
  readonly imageMs: number;
  /** Of the command's own process. */
  readonly processorMs: number;
}

const UNITS: Readonly<Record<string, number>> = { bytes: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };
const SENT = /^ok (?:uploaded ([\d.]+) (\w+)|unchanged)/;
/** The image is there: it was built, or that of an earlier build is used again. */
const IMAGE = /^(ok building|\.\. starting)/;

const CREATED = /^ok created (d_\w+)/;

/** Images of deployments. Dispose of them behind the platform: one that runs cannot be removed. */
export class MadeImages implements AsyncDisposable {
  readonly #ids: string[] = [];

  add(deploymentId: string): void {
    this.#ids.push(deploymentId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const id of this.#ids) {
      const filter = `reference=unkey.local/*/*:${id}*`;
      const { stdout } = await docker(["images", "--quiet", "--filter", filter]);
      const images = stdout.split("\n").filter((image) => image !== "");
      if (images.length > 0) await docker(["rmi", "--force", ...images]);
    }
  }
}

/** Runs deploys with a clock beside their output. */
export class Deploys {
  readonly #platform: LocalPlatform;
  readonly #program: readonly string[];
  readonly #images: MadeImages;

  constructor(platform: LocalPlatform, program: readonly string[], images: MadeImages) {
    this.#platform = platform;
    this.#program = program;
    this.#images = images;
  }

  async deploy(root: string): Promise<Deployed> {
    const begunMs = performance.now();
    const process = new Deno.Command("bash", {
      // The shell prints the processor time of its children last.
      args: [
        "-c",
        '"$@"; code=$?; times >&2; exit $code',
        "bash",
        ...this.#program,
        "deploy",
        root,
        "--env",
        "production",
      ],
      env: this.#platform.env(),
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const lines: { readonly text: string; readonly ms: number }[] = [];
    const cutter = new LineCutter();
    for await (const bytes of process.stderr) {
      for (const text of cutter.push(bytes)) lines.push({ text, ms: performance.now() - begunMs });
    }
    const { success } = await process.status;
    for (const id of lines.flatMap(({ text }) => CREATED.exec(text)?.[1] ?? [])) this.#images.add(id);
    const sent = lines.find(({ text }) => SENT.test(text));
    const image = lines.find(({ text }) => IMAGE.test(text));
    if (!success || sent === undefined || image === undefined) {
      throw new Error(`The deploy failed:\n${lines.map(({ text }) => text).join("\n")}`);
    }
    const [, amount = "0", unit = "bytes"] = SENT.exec(sent.text) ?? [];
    return {
      sentMs: sent.ms,
      sentBytes: Number(amount) * (UNITS[unit] ?? 0),
      imageMs: image.ms,
      processorMs: processorMs(lines.at(-1)?.text ?? ""),
    };
  }
}

/** Of `times` in bash: `0m1.234s 0m0.056s`. */
function processorMs(line: string): number {
  const parts = [...line.matchAll(/(\d+)m([\d.]+)s/g)];
  return parts.reduce(
    (sum, [, minutes, seconds]) => sum + 60_000 * Number(minutes) + 1_000 * Number(seconds),
    0,
  );
}
