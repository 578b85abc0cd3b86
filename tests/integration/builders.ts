/** Builders for tests, and the rules that they have. */
import {
  type Builder,
  type ClientCertificate,
  createBuildkitBuilder,
  daemonEndpoint,
  engineEndpoint,
  FRONTENDS_DEFAULT,
  type SourceRules,
  standing,
} from "../../pkg/build/mod.ts";
import { type Clock, systemClock } from "../../pkg/clock/mod.ts";
import type { Engine } from "../../pkg/docker/mod.ts";
import { type Logger, silentLogger } from "../../pkg/logger/mod.ts";
import type { Registry } from "../../pkg/registry/mod.ts";

export interface TestBuilderOptions {
  readonly registry?: Registry;
  /** Registries at private addresses that builds may use. */
  readonly trusted?: readonly string[];
  /** Frontends that `# syntax=` may name; the usual ones by default. */
  readonly frontends?: readonly string[];
  /** Control group below which instructions run. */
  readonly cgroupParent?: string;
  readonly clock?: Clock;
  readonly log?: Logger;
}

/** Builds in a Docker Engine; with a registry the engine pushes. */
export function engineBuilder(engine: Engine, options: TestBuilderOptions = {}): Builder {
  const { registry, clock = systemClock(), log = silentLogger() } = options;
  return createBuildkitBuilder({
    lease: standing(engineEndpoint(engine.host)),
    destination: { kind: "engine", engine, ...(registry === undefined ? {} : { registry }) },
    rules: rulesOf(options),
    ...(options.cgroupParent === undefined ? {} : { cgroupParent: options.cgroupParent }),
    clock,
    log,
  });
}

/** Builds on a daemon, which pushes. */
export function daemonBuilder(
  url: string,
  options: TestBuilderOptions & { readonly registry: Registry; readonly certificate?: ClientCertificate },
): Builder {
  const { registry, clock = systemClock(), log = silentLogger(), certificate } = options;
  return createBuildkitBuilder({
    lease: standing(daemonEndpoint(url, certificate)),
    destination: { kind: "registry", registry },
    rules: rulesOf(options),
    ...(options.cgroupParent === undefined ? {} : { cgroupParent: options.cgroupParent }),
    clock,
    log,
  });
}

export function rulesOf(
  { trusted = [], frontends = FRONTENDS_DEFAULT }: TestBuilderOptions,
): Omit<SourceRules, "registryName" | "ownImages"> {
  return {
    deniedHosts: [],
    trustedRegistries: trusted,
    frontends,
    privateNetworks: false,
  };
}
