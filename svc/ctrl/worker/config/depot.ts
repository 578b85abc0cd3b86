/** Builds on Depot: settings of `ctrl worker`. */
import { z } from "zod";
import {
  type ConfigOf,
  field,
  optionalUrlSchema,
  type Secret,
  secretField,
} from "../../../../pkg/config/mod.ts";
import type { DepotPlatform } from "../../../../pkg/build/depot/mod.ts";
import type { RegistryConfig } from "../../../../pkg/registry/mod.ts";

export const DEPOT_FIELDS = {
  buildPlatform: field({
    flag: "build-platform",
    env: "UNKEY_BUILD_PLATFORM",
    placeholder: "<linux/amd64|linux/arm64>",
    help:
      "Platform that images are built for. Without it, Depot builds for linux/amd64, and another builder for its own.",
    schema: platformSchema(),
  }),
  depotToken: secretField({
    env: "UNKEY_DEPOT_TOKEN",
    help:
      "Token of a Depot organization. Without it, the password of the registry is used when that is Depot's own.",
    required: false,
  }),
  depotApiUrl: field({
    flag: "depot-api-url",
    env: "UNKEY_DEPOT_API_URL",
    placeholder: "<url>",
    help: "Depot's API, when it is not https://api.depot.dev.",
    schema: optionalUrlSchema(),
  }),
  depotProjectRegion: field({
    flag: "depot-project-region",
    env: "UNKEY_DEPOT_PROJECT_REGION",
    placeholder: "<region>",
    help: "Region of the Depot projects that are created, one for each project.",
    schema: z.string().default("us-east-1").refine((region) => /^[a-z0-9-]{1,63}$/.test(region), {
      message: 'must be a region like "us-east-1"',
    }),
  }),
};

export type DepotConfig = ConfigOf<typeof DEPOT_FIELDS>;

const DEPOT_REGISTRY = /^registry\.depot\.dev(\/|$)/;
const PLATFORMS: ReadonlyMap<string, DepotPlatform> = new Map([["linux/amd64", "amd64"], [
  "linux/arm64",
  "arm64",
]]);

/** The token for Depot's API: its own, or that of Depot's registry, which is the same kind of token. */
export function depotTokenOf(config: DepotConfig & RegistryConfig): Secret | undefined {
  const { depotToken, registryUrl, registryPassword } = config;
  if (depotToken !== undefined) return depotToken;
  return DEPOT_REGISTRY.test(registryUrl ?? "") ? registryPassword : undefined;
}

/** The architecture of the machine; `undefined`: Depot has none for the platform of the settings. */
export function depotPlatformOf({ buildPlatform = "linux/amd64" }: DepotConfig): DepotPlatform | undefined {
  return PLATFORMS.get(buildPlatform);
}

/** A problem per setting that is missing, or does not fit, when Depot builds. */
export function depotProblems(config: DepotConfig & RegistryConfig): readonly string[] {
  const problems: string[] = [];
  if (depotTokenOf(config) === undefined) {
    problems.push(
      "UNKEY_DEPOT_TOKEN is required with --build-backend depot (UNKEY_BUILD_BACKEND), unless the registry is " +
        "registry.depot.dev",
    );
  }
  if (config.registryUrl === undefined) {
    problems.push(
      "--registry-url (UNKEY_REGISTRY_URL) is required with --build-backend depot (UNKEY_BUILD_BACKEND)",
    );
  }
  if (depotPlatformOf(config) === undefined) {
    problems.push(
      "--build-platform (UNKEY_BUILD_PLATFORM) must be linux/amd64 or linux/arm64 with --build-backend depot " +
        "(UNKEY_BUILD_BACKEND)",
    );
  }
  return problems;
}

/** `os/architecture[/variant]`; images run on Linux only. A leading slash is ignored, as it always was. */
function platformSchema(): z.ZodType<string | undefined> {
  return z.string().optional().transform((raw) => raw?.replace(/^\//, "")).refine(
    (platform) => platform === undefined || /^linux\/[a-z0-9]+(\/v[0-9]+)?$/.test(platform),
    { message: "must be a platform like linux/amd64" },
  );
}
