/** The bounds of builds and of the sources that they may read: settings of `ctrl worker`. */
import { z } from "zod";
import { type CacheLimits, FRONTENDS_DEFAULT } from "../../../../pkg/build/mod.ts";
import { type ConfigOf, field, integerSchema, listSchema, textSchema } from "../../../../pkg/config/mod.ts";

export const BUILD_FIELDS = {
  buildNetwork: field({
    flag: "build-network",
    env: "UNKEY_BUILD_NETWORK",
    placeholder: "<isolated|trusted>",
    help:
      "Network of the builder. isolated: the builder's network reaches no private address, and the worker does not start when it finds that " +
      "it does. A Docker Engine cannot be isolated. trusted: all who deploy may reach what the builder reaches.",
    schema: z.enum(["isolated", "trusted"], { error: "must be isolated or trusted" }).default("isolated"),
  }),
  buildSources: field({
    flag: "build-sources",
    env: "UNKEY_BUILD_SOURCES",
    placeholder: "<public|any>",
    help:
      "Hosts that builds read from. public: FROM, ADD and # syntax= may name public hosts only, and those of --trusted-registries. Needs BuildKit " +
      "0.11 or Docker 23.",
    schema: z.enum(["public", "any"], { error: "must be public or any" }).default("public"),
  }),
  buildDeniedHosts: field({
    flag: "build-denied-hosts",
    env: "UNKEY_BUILD_DENIED_HOSTS",
    placeholder: "<host[:port],...>",
    help: "Hosts of this platform with public names, from which no build may read.",
    schema: listSchema([]),
  }),
  buildFrontends: field({
    flag: "build-frontends",
    env: "UNKEY_BUILD_FRONTENDS",
    placeholder: "<image,...>",
    help:
      "Frontends that a Dockerfile may name with # syntax=, without tags. Another one could read the caches of other " +
      "workspaces.",
    schema: listSchema([...FRONTENDS_DEFAULT]),
  }),
  buildContextMib: field({
    flag: "build-context-mib",
    env: "UNKEY_BUILD_CONTEXT_MIB",
    placeholder: "<MiB>",
    help: "Largest build context, unpacked.",
    schema: integerSchema(2_048, 1, 1_048_576),
  }),
  buildContextFiles: field({
    flag: "build-context-files",
    env: "UNKEY_BUILD_CONTEXT_FILES",
    placeholder: "<count>",
    help: "Most files and folders of a build context.",
    schema: integerSchema(200_000, 1, 10_000_000),
  }),
  buildCgroupParent: field({
    flag: "build-cgroup-parent",
    env: "UNKEY_BUILD_CGROUP_PARENT",
    placeholder: "<path>",
    help:
      "Control group on the builder's machine below which instructions run; its limits hold for all builds together. " +
      "Needs BuildKit 0.10 or Docker 23.",
    schema: textSchema(),
  }),
  buildCacheMib: field({
    flag: "build-cache-mib",
    env: "UNKEY_BUILD_CACHE_MIB",
    placeholder: "<MiB>",
    help:
      "Largest build cache. Beyond it the least recently used entries go. 0: the builder prunes by itself.",
    schema: integerSchema(20_480, 0, 104_857_600),
  }),
  buildCacheDays: field({
    flag: "build-cache-days",
    env: "UNKEY_BUILD_CACHE_DAYS",
    placeholder: "<days>",
    help: "Entries of the build cache that were not used for so long go, too.",
    schema: integerSchema(14, 1, 3_650),
  }),
  buildDiskFreeMib: field({
    flag: "build-disk-free-mib",
    env: "UNKEY_BUILD_DISK_FREE_MIB",
    placeholder: "<MiB>",
    help:
      "Free space that the builder's disk keeps: the build cache gives way to it, and at a quarter of it builds in a " +
      "Docker Engine on this machine are stopped.",
    schema: integerSchema(4_096, 0, 104_857_600),
  }),
  buildkitCaFile: field({
    flag: "buildkit-ca-file",
    env: "UNKEY_BUILDKIT_CA_FILE",
    placeholder: "<file>",
    help: "Authority of the BuildKit daemon's certificate, in PEM.",
    schema: textSchema(),
  }),
  buildkitCertificateFile: field({
    flag: "buildkit-certificate-file",
    env: "UNKEY_BUILDKIT_CERTIFICATE_FILE",
    placeholder: "<file>",
    help: "Certificate that this worker shows to the BuildKit daemon, in PEM.",
    schema: textSchema(),
  }),
  buildkitKeyFile: field({
    flag: "buildkit-key-file",
    env: "UNKEY_BUILDKIT_KEY_FILE",
    placeholder: "<file>",
    help: "Key of that certificate, in PEM.",
    schema: textSchema(),
  }),
};

export type BuildConfig = ConfigOf<typeof BUILD_FIELDS>;

const MEBIBYTE = 1024 * 1024;
const DAY_MS = 24 * 3_600_000;

/** The limits of the build cache. */
export function cacheLimits({ buildCacheMib, buildCacheDays, buildDiskFreeMib }: BuildConfig): CacheLimits {
  return {
    bytesMax: buildCacheMib * MEBIBYTE,
    unusedMsMax: buildCacheDays * DAY_MS,
    bytesFreeMin: buildDiskFreeMib * MEBIBYTE,
  };
}

/** A problem per pair of settings that do not go together; for `loadConfig`. */
export function buildProblems(
  config: BuildConfig & { readonly buildBackend: string },
): readonly string[] {
  const { buildkitCaFile, buildkitCertificateFile, buildkitKeyFile, buildBackend, buildNetwork } = config;
  const problems: string[] = [];
  if ((buildkitCertificateFile === undefined) !== (buildkitKeyFile === undefined)) {
    problems.push(
      "--buildkit-certificate-file (UNKEY_BUILDKIT_CERTIFICATE_FILE) and --buildkit-key-file (UNKEY_BUILDKIT_KEY_FILE) go " +
        "together: only one is set",
    );
  }
  if (buildkitCaFile !== undefined && buildkitCertificateFile === undefined) {
    problems.push(
      "--buildkit-ca-file (UNKEY_BUILDKIT_CA_FILE) is of no use without --buildkit-certificate-file " +
        "(UNKEY_BUILDKIT_CERTIFICATE_FILE)",
    );
  }
  if (buildBackend === "docker" && buildNetwork === "isolated") {
    problems.push(
      "--build-backend docker (UNKEY_BUILD_BACKEND) needs --build-network trusted (UNKEY_BUILD_NETWORK): builds of a Docker " +
        "Engine reach all that the engine reaches, so it may serve only people who may reach that. Use a BuildKit daemon for others",
    );
  }
  return problems;
}
