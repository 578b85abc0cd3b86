import { SIZE_MIN, type SizeLimits, type SizeSettings } from "../deployments/size.ts";
import { invalid } from "./mod.ts";

/** A size as messages have it; 0: not set. */
export interface WireSize {
  readonly cpuMillicores: number;
  readonly memoryMib: number;
  readonly replicas: number;
}

const NAMES = { cpuMillicores: "cpu_millicores", memoryMib: "memory_mib", replicas: "replicas" } as const;

/** The values that are set. @throws `invalid_argument` for one that the operator does not allow */
export function sizeSettings(
  field: string,
  wire: WireSize | undefined,
  { max }: Pick<SizeLimits, "max">,
): SizeSettings {
  if (wire === undefined) return {};
  const valueOf = (key: keyof WireSize) => {
    const value = wire[key];
    if (value === 0) return {};
    if (value < SIZE_MIN[key] || value > max[key]) {
      throw invalid(
        `${field}.${NAMES[key]}`,
        `must be between ${SIZE_MIN[key]} and ${max[key]}, which the operator set as the most`,
        String(value),
      );
    }
    return { [key]: value };
  };
  return { ...valueOf("cpuMillicores"), ...valueOf("memoryMib"), ...valueOf("replicas") };
}
