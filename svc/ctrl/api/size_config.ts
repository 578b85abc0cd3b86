import { field, integerSchema } from "../../../pkg/config/mod.ts";
import { SIZE_MIN } from "../internal/deployments/size.ts";

const CPU_MAX = 1_000_000;
const MEMORY_MAX = 16_777_216;

/** The sizes of apps that the operator gives and allows. */
export const SIZE_FIELDS = {
  cpuDefault: field({
    flag: "cpu-default",
    env: "UNKEY_CPU_DEFAULT",
    placeholder: "<millicores>",
    help: "CPU of an instance whose app sets none; 1,000 are one core.",
    schema: integerSchema(256, SIZE_MIN.cpuMillicores, CPU_MAX),
  }),
  cpuMax: field({
    flag: "cpu-max",
    env: "UNKEY_CPU_MAX",
    placeholder: "<millicores>",
    help: "The most that an app can set.",
    schema: integerSchema(8_000, SIZE_MIN.cpuMillicores, CPU_MAX),
  }),
  memoryDefault: field({
    flag: "memory-default",
    env: "UNKEY_MEMORY_DEFAULT",
    placeholder: "<MiB>",
    help: "Memory of an instance whose app sets none.",
    schema: integerSchema(256, SIZE_MIN.memoryMib, MEMORY_MAX),
  }),
  memoryMax: field({
    flag: "memory-max",
    env: "UNKEY_MEMORY_MAX",
    placeholder: "<MiB>",
    help: "The most that an app can set.",
    schema: integerSchema(16_384, SIZE_MIN.memoryMib, MEMORY_MAX),
  }),
  replicasMax: field({
    flag: "replicas-max",
    env: "UNKEY_REPLICAS_MAX",
    placeholder: "<count>",
    help: "Most instances of an app in each region.",
    schema: integerSchema(20, 1, 1_000),
  }),
};
