import type { Collector, CollectorOptions } from "./collector.ts";
import type { SamplerName } from "./names.ts";
import type { Sampler } from "./sampler.ts";

/** Loads the library: a process that sends no traces does without. No redirect is followed: it would get the headers. */
export async function openCollector(options: CollectorOptions): Promise<Collector> {
  const { createCollector } = await import("./collector.ts");
  return createCollector(options);
}

/** The same. @param ratio the part of traces that the samplers by ratio take, from 0 to 1 */
export async function openSampler(name: SamplerName, ratio: number): Promise<Sampler> {
  const { createSampler } = await import("./sampler.ts");
  return createSampler(name, ratio);
}
