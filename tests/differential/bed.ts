import { type Engine, openEngine } from "../../pkg/docker/mod.ts";
import { Buildx, hasBuildx } from "../../pkg/testkit/buildx.ts";
import {
  canStartEngine,
  PrivateEngine,
  type PrivateEngineOptions,
} from "../../pkg/testkit/private_engine.ts";
import { engineBuilder } from "../integration/builders.ts";
import { type BuildWay, dockerBuild, platformBuild } from "./build_pair.ts";

/** The engines that builds are compared on, by the names that a variable may give. */
const ENGINES = {
  "20.10": { engine: "20.10" },
  "29-classic": { engine: "29", imageStore: "classic" },
  "29-containerd": { engine: "29", imageStore: "containerd" },
} as const satisfies Readonly<Record<string, PrivateEngineOptions>>;

export type BedEngine = keyof typeof ENGINES;

/** An engine of the test's own with both ways to build in it. All that they leave behind goes with it. */
export class DifferentialBed implements AsyncDisposable {
  readonly engine: Engine;
  readonly dockerBuild: BuildWay;
  readonly platformBuild: BuildWay;
  /** For contexts and other files. */
  readonly directory: string;
  readonly #parts: AsyncDisposableStack;

  private constructor(
    parts: AsyncDisposableStack,
    { engine, client, directory }: {
      readonly engine: Engine;
      readonly client: Buildx;
      readonly directory: string;
    },
  ) {
    this.#parts = parts;
    this.engine = engine;
    this.directory = directory;
    this.dockerBuild = dockerBuild(client);
    this.platformBuild = platformBuild(engineBuilder(engine), directory);
  }

  static async open(kind: BedEngine): Promise<DifferentialBed> {
    await using parts = new AsyncDisposableStack();
    const directory = await Deno.makeTempDir({ prefix: "unkey-differential-" });
    parts.defer(() => Deno.remove(directory, { recursive: true }));
    const { host } = parts.use(await PrivateEngine.open(ENGINES[kind]));
    const client = parts.use(await Buildx.open(host));
    const engine = openEngine(host);
    parts.defer(() => engine.close());
    return new DifferentialBed(parts.move(), { engine, client, directory });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

/** The engines that the variable `UNKEY_DIFFERENTIAL_ENGINES` names, with commas; without it the oldest. */
export function chosenEngines(): readonly BedEngine[] {
  const names = (Deno.env.get("UNKEY_DIFFERENTIAL_ENGINES") ?? "20.10").split(",");
  return names.map((name) => {
    const found = (["20.10", "29-classic", "29-containerd"] as const).find((each) => each === name);
    if (found === undefined) throw new Error(`UNKEY_DIFFERENTIAL_ENGINES names no engine: "${name}"`);
    return found;
  });
}

/** The version of the Dockerfile frontend in an engine. */
export function frontendOf(kind: BedEngine): string {
  return kind === "20.10" ? "1.2" : "1.9";
}

/** True when builds can be compared on this machine. */
export async function canCompare(kind: BedEngine): Promise<boolean> {
  return await canStartEngine(ENGINES[kind].engine) && await hasBuildx();
}
