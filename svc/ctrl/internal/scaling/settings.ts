/** Bounds and targets of the number of instances in each region. */
import { z } from "zod";

/** As they are set: what is absent is not set. */
export const ScalingSchema = z.object({
  min: z.number().optional(),
  max: z.number().optional(),
  /** Percent of an instance's CPU, on average over the instances. */
  cpuPercent: z.number().optional(),
  /** Requests at a time of an instance. */
  concurrency: z.number().optional(),
  downSeconds: z.number().optional(),
}).readonly();

export type ScalingSettings = z.infer<typeof ScalingSchema>;

/** As they hold. At least one of the targets is there. */
export interface Scaling {
  readonly min: number;
  readonly max: number;
  readonly cpuPercent: number | undefined;
  readonly concurrency: number | undefined;
  readonly downSeconds: number;
}

/** As the Kubernetes HorizontalPodAutoscaler: a quiet minute is no reason to start instances anew five minutes later. */
export const DOWN_SECONDS_DEFAULT = 300;

/** `undefined` for settings without a maximum, which are none. */
export function scalingOf(settings: ScalingSettings | undefined): Scaling | undefined {
  const { min = 1, max, cpuPercent, concurrency, downSeconds = DOWN_SECONDS_DEFAULT } = settings ?? {};
  if (max === undefined) return undefined;
  return { min: Math.min(min, max), max, cpuPercent, concurrency, downSeconds };
}

/** The form of the column: the same settings are the same text. */
export function encodeScaling(settings: ScalingSettings): string {
  return JSON.stringify(ScalingSchema.parse(settings));
}

/** @throws when another program has written the column */
export function decodeScaling(text: string): ScalingSettings {
  return ScalingSchema.parse(JSON.parse(text));
}

/** `count` within the bounds. */
export function bounded({ min, max }: Pick<Scaling, "min" | "max">, count: number): number {
  return Math.min(max, Math.max(min, count));
}
