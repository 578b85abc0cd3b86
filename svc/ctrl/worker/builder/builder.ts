import {
  type Builder,
  type BuildkitBuilderOptions,
  type ClientCertificate,
  createBuildkitBuilder,
  daemonEndpoint,
  type Endpoint,
  engineEndpoint,
  LOCAL_REGISTRY,
  pruneCache,
  standing,
} from "../../../../pkg/build/mod.ts";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { Secret } from "../../../../pkg/config/mod.ts";
import { type Engine, engineCapacity, openEngine } from "../../../../pkg/docker/mod.ts";
import { Fault, publicFault } from "../../../../pkg/fault/mod.ts";
import { bytesFree } from "../../../../pkg/files/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import {
  type ConfigReader,
  createConfigReader,
  createManifestFinder,
  registryOf,
} from "../../../../pkg/registry/mod.ts";
import { type BuildConfig, cacheLimits } from "../config/build.ts";
import { type BuilderConfig, builderProblems } from "../config/builder.ts";
import { depotPlatformOf, depotTokenOf } from "../config/depot.ts";
import { depotLease } from "./depot_lease.ts";
import type { Queryable } from "../../internal/store/mod.ts";
import { guardDisk } from "./disk_guard.ts";
import { configInEngine } from "./image_config.ts";
import { type ImagePresence, presenceInEngine } from "./image_presence.ts";
import { createLocalImages, type LocalImages } from "./local_images.ts";

/** A builder, and the names of the images that it builds. */
export interface OpenBuilder {
  readonly builder: Builder;
  readonly registryName: string;
  /** Looks whether an image that a build made is still there. */
  readonly presence: ImagePresence;
  /** Reads the configuration of an image, built or named by a user. */
  readonly imageConfig: ConfigReader;
  /** Images that stay where they were built; `undefined`: the builder keeps none. */
  readonly localImages?: LocalImages;
  /** A BuildKit that this worker shares with nothing but other workers; `undefined`: each build has its own. */
  readonly endpoint?: Endpoint;
  /** Free bytes of the builder's disk, where this worker can see them. */
  readonly bytesFree?: () => Promise<number | undefined>;
  close(): void;
}

const LOOK_MS_MAX = 10_000;
/** Builds stop at this share of the free space that the build cache gives way to. */
const STOP_SHARE = 0.25;

interface BuilderDeps {
  readonly db: Queryable;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Opens the builder that the settings name. Nothing is sent before the first build.
 *
 * @throws `failed_precondition` when a file of a certificate cannot be read
 */
export async function openBuilder(
  config: BuilderConfig & BuildConfig,
  deps: BuilderDeps,
): Promise<OpenBuilder> {
  const registry = registryOf(config);
  const { clock, log } = deps;
  const common = { clock, log, ...sourcesOf(config) };
  if (config.buildBackend === "depot") return await openDepotBuilder(config, { deps, common });
  if (config.buildBackend === "docker") {
    const engine = openEngine(config.dockerHost);
    const endpoint = engineEndpoint(config.dockerHost);
    const destination = { kind: "engine", engine, ...(registry === undefined ? {} : { registry }) } as const;
    const free = () => engineBytesFree(engine);
    const limits = { ...cacheLimits(config), bytesFree: free };
    return {
      builder: guardDisk(createBuildkitBuilder({ ...common, lease: standing(endpoint), destination }), {
        bytesFree: free,
        bytesMin: limits.bytesFreeMin * STOP_SHARE,
        prune: async (signal) => void await pruneCache(endpoint, limits, signal),
        clock,
        log,
      }),
      registryName: registry?.name ?? LOCAL_REGISTRY,
      presence: registry === undefined
        ? presenceInEngine(engine, log)
        : createManifestFinder({ registry, log }),
      imageConfig: configInEngine(engine, configReader(config, log), log),
      localImages: createLocalImages(engine),
      endpoint,
      bytesFree: free,
      close: () => engine.close(),
    };
  }
  const endpoint = await builderEndpoint(config);
  if (endpoint === undefined || registry === undefined) {
    throw new Fault("invalid_argument", builderProblems(config).join("; "));
  }
  const destination = { kind: "registry", registry } as const;
  return {
    builder: createBuildkitBuilder({ ...common, lease: standing(endpoint), destination }),
    registryName: registry.name,
    presence: createManifestFinder({ registry, log }),
    imageConfig: configReader(config, log),
    endpoint,
    close: () => undefined,
  };
}

/**
 * Address of the builder that the settings name; `undefined` for a builder with a machine for each build.
 *
 * @throws `failed_precondition` when a file of a certificate cannot be read
 */
export async function builderEndpoint(config: BuilderConfig & BuildConfig): Promise<Endpoint | undefined> {
  if (config.buildBackend === "docker") return engineEndpoint(config.dockerHost);
  if (config.buildBackend === "depot" || config.buildkitUrl === undefined) return undefined;
  return daemonEndpoint(config.buildkitUrl, await certificateOf(config));
}

/** Its machines are outside of every private network of ours, so that nothing has to be checked at the start. */
async function openDepotBuilder(
  config: BuilderConfig,
  { deps, common }: {
    readonly deps: BuilderDeps;
    readonly common: Pick<BuildkitBuilderOptions, "clock" | "log" | "rules">;
  },
): Promise<OpenBuilder> {
  const registry = registryOf(config);
  const [token, platform] = [depotTokenOf(config), depotPlatformOf(config)];
  if (registry === undefined || token === undefined || platform === undefined) {
    throw new Fault("invalid_argument", builderProblems(config).join("; "));
  }
  const { openDepot } = await import("../../../../pkg/build/depot/mod.ts");
  const { clock, log } = common;
  const { depotApiUrl, depotProjectRegion: region } = config;
  const depot = openDepot({
    token,
    clock,
    log,
    ...(depotApiUrl === undefined ? {} : { apiUrl: depotApiUrl }),
  });
  const lease = depotLease({ ...deps, depot, region, platform });
  const destination = { kind: "registry", registry } as const;
  return {
    builder: createBuildkitBuilder({ ...common, lease, destination }),
    registryName: registry.name,
    presence: createManifestFinder({ registry, log }),
    imageConfig: configReader(config, log),
    close: () => undefined,
  };
}

/** Only the platform's own registry is asked where the operator keeps the platform from asking others. */
function configReader(config: BuilderConfig, log: Logger): ConfigReader {
  const registry = registryOf(config);
  const read = createConfigReader({ registry, trustedHosts: config.trustedRegistries, log });
  if (config.resolveImages) return read;
  return (image, signal) =>
    registry !== undefined && image.startsWith(`${registry.name}/`)
      ? read(image, signal)
      : Promise.resolve(undefined);
}

/** Of the disk with the engine's data, when the engine runs on this machine. */
async function engineBytesFree(engine: Engine): Promise<number | undefined> {
  if (!engine.host.startsWith("unix://")) return undefined;
  try {
    const { dataFolder } = await engineCapacity(engine, AbortSignal.timeout(LOOK_MS_MAX));
    // On macOS and Windows the engine's folder is inside a virtual machine.
    return await bytesFree(dataFolder);
  } catch {
    return undefined; // an engine that does not answer tells of no disk
  }
}

function sourcesOf(
  config: BuilderConfig & BuildConfig,
): Pick<BuildkitBuilderOptions, "rules" | "cgroupParent"> {
  const { buildCgroupParent, buildDeniedHosts, buildFrontends, buildSources, trustedRegistries } = config;
  return {
    rules: {
      deniedHosts: buildDeniedHosts,
      trustedRegistries,
      frontends: buildFrontends,
      privateNetworks: buildSources === "any",
    },
    ...(buildCgroupParent === undefined ? {} : { cgroupParent: buildCgroupParent }),
  };
}

async function certificateOf(
  { buildkitCaFile, buildkitCertificateFile, buildkitKeyFile }: BuildConfig,
): Promise<ClientCertificate | undefined> {
  if (buildkitCertificateFile === undefined || buildkitKeyFile === undefined) return undefined;
  return {
    certificate: await readPem(buildkitCertificateFile),
    key: new Secret(await readPem(buildkitKeyFile)),
    ...(buildkitCaFile === undefined ? {} : { ca: await readPem(buildkitCaFile) }),
  };
}

async function readPem(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw publicFault("failed_precondition", `The certificate file "${path}" cannot be read: ${why}`, error);
  }
}
