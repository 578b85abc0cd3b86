/** The size of an app: the resources of one instance, and the number of instances in each region. */
import { z } from "zod";

/** A complete size. Replicas 0: the number that the worker gives. */
export interface Size {
  readonly cpuMillicores: number;
  readonly memoryMib: number;
  readonly replicas: number;
}

/** The values that a request or an environment sets. */
export type SizeSettings = { readonly [K in keyof Size]?: number };

/** The operator's values for apps that set none, and the most that an app can set. */
export interface SizeLimits {
  readonly initial: Size;
  readonly max: Size;
}

/** Less than this does not start a process on either runtime. */
export const SIZE_MIN: Size = { cpuMillicores: 10, memoryMib: 16, replicas: 1 };

const KEYS = ["cpuMillicores", "memoryMib", "replicas"] as const;

/** The first of the settings that has a value decides it. An operator who lowered a limit bounds what was set before. */
export function resolveSize({ initial, max }: SizeLimits, ...settings: readonly SizeSettings[]): Size {
  const valueOf = (key: keyof Size): number => {
    const value = settings.find((each) => each[key] !== undefined)?.[key] ?? initial[key];
    return Math.min(value, max[key]);
  };
  return {
    cpuMillicores: valueOf("cpuMillicores"),
    memoryMib: valueOf("memoryMib"),
    replicas: valueOf("replicas"),
  };
}

/** `over` where it has a value, else `under`. */
export function mergeSizes(under: SizeSettings, over: SizeSettings): SizeSettings {
  return { ...under, ...over };
}

const Settings = z.object({
  cpuMillicores: z.number().optional(),
  memoryMib: z.number().optional(),
  replicas: z.number().optional(),
});

/** The form of the column; null for no value. */
export function encodeSizeSettings(settings: SizeSettings): string | null {
  const set = Object.fromEntries(
    KEYS.flatMap((key) => settings[key] === undefined ? [] : [[key, settings[key]]]),
  );
  return Object.keys(set).length === 0 ? null : JSON.stringify(set);
}

/** @throws when another program has written the column */
export function decodeSizeSettings(text: string | null): SizeSettings {
  if (text === null) return {};
  const { cpuMillicores, memoryMib, replicas } = Settings.parse(JSON.parse(text));
  return {
    ...(cpuMillicores === undefined ? {} : { cpuMillicores }),
    ...(memoryMib === undefined ? {} : { memoryMib }),
    ...(replicas === undefined ? {} : { replicas }),
  };
}
