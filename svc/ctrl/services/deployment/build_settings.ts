import type { BuildInputSettings } from "../../internal/store/mod.ts";
import { argumentName, byteLength, invalid, optionalText } from "../../internal/validate/mod.ts";

/** The options of `docker build`, as a request has them. */
export interface RequestedBuild extends BuildInputSettings {
  /** Contents by id. */
  readonly secrets: ReadonlyMap<string, Uint8Array>;
}

/** A build without any options. */
export const NO_OPTIONS: RequestedBuild = {
  arguments: {},
  secrets: new Map(),
  target: "",
  noCache: false,
  pull: false,
  platform: "",
  variableArguments: [],
};

const KIB = 1024;
const DOCKERFILE_BYTES_MAX = 512 * KIB;
const ARGUMENTS_MAX = 100;
const ARGUMENT_BYTES_MAX = 16 * KIB;
const ARGUMENTS_BYTES_MAX = 128 * KIB;
const SECRETS_MAX = 50;
const SECRET_BYTES_MAX = 256 * KIB;
const SECRETS_BYTES_MAX = 512 * KIB;
const PLATFORM_CHARACTERS_MAX = 64;

/** @throws `invalid_argument` for the first option that is wrong; no text shows a value of an argument or a secret */
export function checkBuild(build: RequestedBuild): RequestedBuild {
  return {
    arguments: checkArguments(build.arguments),
    secrets: checkSecrets(build.secrets),
    target: checkTarget(build.target),
    noCache: build.noCache,
    pull: build.pull,
    platform: checkPlatform(build.platform),
    variableArguments: checkVariables(build.variableArguments),
  };
}

/** @throws `invalid_argument` when it is too large */
export function checkDockerfile(dockerfile: Uint8Array | undefined): Uint8Array | undefined {
  if (dockerfile === undefined || dockerfile.length <= DOCKERFILE_BYTES_MAX) return dockerfile;
  throw invalid("dockerfile", `must have at most ${DOCKERFILE_BYTES_MAX / KIB} KiB`);
}

function checkArguments(given: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(given);
  if (entries.length > ARGUMENTS_MAX) throw invalid("build.arguments", `must be at most ${ARGUMENTS_MAX}`);
  let bytes = 0;
  for (const [name, value] of entries) {
    argumentName("build.arguments", name);
    const field = `build.arguments.${name}`;
    if (value.includes("\0")) throw invalid(field, "must not contain NUL");
    const length = byteLength(value);
    if (length > ARGUMENT_BYTES_MAX) {
      throw invalid(field, `must have at most ${ARGUMENT_BYTES_MAX / KIB} KiB`);
    }
    bytes += name.length + length;
  }
  if (bytes <= ARGUMENTS_BYTES_MAX) return given;
  throw invalid("build.arguments", `must have at most ${ARGUMENTS_BYTES_MAX / KIB} KiB together`);
}

function checkSecrets(given: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, Uint8Array> {
  if (given.size > SECRETS_MAX) throw invalid("build.secrets", `must be at most ${SECRETS_MAX}`);
  let bytes = 0;
  for (const [id, { length }] of given) {
    if (!/^[A-Za-z0-9_.-]{1,128}$/.test(id)) {
      const rule =
        "must have ids of letters, digits, dots, hyphens and underscores, with at most 128 characters";
      throw invalid("build.secrets", rule, id);
    }
    if (length > SECRET_BYTES_MAX) {
      throw invalid(`build.secrets.${id}`, `must have at most ${SECRET_BYTES_MAX / KIB} KiB`);
    }
    bytes += length;
  }
  if (bytes <= SECRETS_BYTES_MAX) return given;
  throw invalid("build.secrets", `must have at most ${SECRETS_BYTES_MAX / KIB} KiB together`);
}

function checkTarget(target: string): string {
  if (target === "" || /^[A-Za-z0-9_.-]{1,128}$/.test(target)) return target;
  const rule = "must be letters, digits, dots, hyphens and underscores, with at most 128 characters";
  throw invalid("build.target", rule, target);
}

function checkPlatform(given: string): string {
  const platform = optionalText("build.platform", given, PLATFORM_CHARACTERS_MAX);
  if (platform === "" || /^[a-z0-9]+\/[a-z0-9_]+(?:\/[a-z0-9_.]+)?$/.test(platform)) return platform;
  throw invalid("build.platform", 'must be like "linux/amd64" or "linux/arm/v7"', platform);
}

function checkVariables(given: readonly string[]): readonly string[] {
  if (given.length > ARGUMENTS_MAX) {
    throw invalid("build.variable_arguments", `must be at most ${ARGUMENTS_MAX}`);
  }
  return [...new Set(given.map((name) => argumentName("build.variable_arguments", name)))];
}
