/** The size of an app, as flags and `unkey.json` have it. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type ConfigOf, field, parsedSchema } from "../../pkg/config/mod.ts";
import type { SizeSchema } from "../../proto/gen/ctrl/v1/deployment_pb.ts";

const MEBIBYTES = { "": 1, m: 1, mb: 1, mib: 1, g: 1_024, gb: 1_024, gib: 1_024 } as const;
const MEMORY_RULE = "must be MiB such as 512, or a size such as 512MiB or 2GiB";
const CPU_RULE = "must be cores such as 0.5 or 2, or millicores such as 500m";
const REPLICAS_RULE = "must be a whole number from 1 on";

/** MiB; `undefined` for a text that is no size. */
export function parseMemory(text: string): number | undefined {
  const [, count = "", unit = ""] = /^(\d{1,9}(?:\.\d{1,3})?) ?([a-z]{0,3})$/i.exec(text) ?? [];
  const factor = Object.entries(MEBIBYTES).find(([name]) => name === unit.toLowerCase())?.[1];
  const mib = factor === undefined || count === "" ? NaN : Number(count) * factor;
  return Number.isInteger(mib) && mib > 0 ? mib : undefined;
}

/** Millicores; `undefined` for a text that is no number of cores. */
export function parseCpu(text: string): number | undefined {
  const milli = /^(\d{1,9})m$/.exec(text)?.[1];
  const cores = /^\d{1,6}(?:\.\d{1,3})?$/.test(text) ? Math.round(Number(text) * 1_000) : NaN;
  const value = milli === undefined ? cores : Number(milli);
  return value > 0 ? value : undefined;
}

function parseReplicas(text: string): number | undefined {
  return /^[1-9]\d{0,5}$/.test(text) ? Number(text) : undefined;
}

/** The fields of a command that sets an environment's size. */
export const ENVIRONMENT_SIZE_FIELDS = {
  memory: field({
    flag: "memory",
    env: "UNKEY_MEMORY",
    placeholder: "<size>",
    help: "Memory of each instance, in MiB or like 2GiB.",
    schema: parsedSchema(parseMemory, MEMORY_RULE),
  }),
  cpu: field({
    flag: "cpu",
    env: "UNKEY_CPU",
    placeholder: "<cores>",
    help: "CPU of each instance, like 0.5 or 500m.",
    schema: parsedSchema(parseCpu, CPU_RULE),
  }),
  replicas: field({
    flag: "replicas",
    env: "UNKEY_REPLICAS",
    placeholder: "<count>",
    help: "Instances in each region.",
    schema: parsedSchema(parseReplicas, REPLICAS_RULE),
  }),
};

const { memory, cpu, replicas } = ENVIRONMENT_SIZE_FIELDS;
const DEFAULT = " Default: the environment's (unkey scale).";

/** The fields of commands that make a deployment; `unkey.json` has them, too. */
export const SIZE_FIELDS = {
  memory: { ...memory, file: "memory", help: memory.help + DEFAULT },
  cpu: { ...cpu, file: "cpu", help: cpu.help + DEFAULT },
  replicas: { ...replicas, file: "replicas", help: replicas.help + DEFAULT },
};

/** The message, or `undefined` when nothing is set. */
export function sizeOf(
  { memory = 0, cpu = 0, replicas = 0 }: ConfigOf<typeof SIZE_FIELDS>,
): MessageInitShape<typeof SizeSchema> | undefined {
  if (memory + cpu + replicas === 0) return undefined;
  return { memoryMib: memory, cpuMillicores: cpu, replicas };
}

/** E.g. `512 MiB, 0.25 cores`. */
export function sizeText(size: { readonly memoryMib: number; readonly cpuMillicores: number }): string {
  const cores = size.cpuMillicores / 1_000;
  return `${size.memoryMib} MiB of memory, ${cores} ${cores === 1 ? "core" : "cores"}`;
}
