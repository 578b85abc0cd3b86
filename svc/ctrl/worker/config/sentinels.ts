/** Image, size and number of sentinels: settings of `ctrl worker`. */
import { type ConfigOf, field, integerSchema, textSchema } from "../../../../pkg/config/mod.ts";
import type { SentinelShapes } from "../../internal/sentinels/mod.ts";

/** Settings of sentinels; without an image there are none. */
export const SENTINEL_FIELDS = {
  sentinelImage: field({
    flag: "sentinel-image",
    env: "UNKEY_SENTINEL_IMAGE",
    placeholder: "<image>",
    help: "Image of the proxy that each environment gets in its regions. Without it there are none.",
    schema: textSchema(),
  }),
  sentinelReplicasProduction: field({
    flag: "sentinel-replicas-production",
    env: "UNKEY_SENTINEL_REPLICAS_PRODUCTION",
    placeholder: "<count>",
    help: "Instances of that proxy per region, for environments that are called production.",
    schema: integerSchema(3, 1, 100),
  }),
  sentinelReplicas: field({
    flag: "sentinel-replicas",
    env: "UNKEY_SENTINEL_REPLICAS",
    placeholder: "<count>",
    help: "The same for all other environments.",
    schema: integerSchema(1, 1, 100),
  }),
  sentinelCpuMillicores: field({
    flag: "sentinel-cpu-millicores",
    env: "UNKEY_SENTINEL_CPU_MILLICORES",
    placeholder: "<number>",
    help: "CPU limit of each of them, in thousandths of a core.",
    schema: integerSchema(256, 10, 1_000_000),
  }),
  sentinelMemoryMib: field({
    flag: "sentinel-memory-mib",
    env: "UNKEY_SENTINEL_MEMORY_MIB",
    placeholder: "<number>",
    help: "Memory limit of each of them, in MiB.",
    schema: integerSchema(256, 64, 1_000_000),
  }),
};

/** The desired shapes of sentinels; `undefined`: there are to be none. */
export function sentinelShapes(config: ConfigOf<typeof SENTINEL_FIELDS>): SentinelShapes | undefined {
  if (config.sentinelImage === undefined) return undefined;
  const shape = {
    image: config.sentinelImage,
    cpuMillicores: config.sentinelCpuMillicores,
    memoryMib: config.sentinelMemoryMib,
  };
  return {
    production: { ...shape, replicas: config.sentinelReplicasProduction },
    other: { ...shape, replicas: config.sentinelReplicas },
  };
}
