import { type Context, ROOT_CONTEXT, SpanKind, trace, TraceFlags } from "@opentelemetry/api";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler as LibrarySampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace";
import type { SamplerName } from "./names.ts";

/** A trace before any of its spans is sent. */
export interface SampledTrace {
  readonly traceId: string;
  /** The caller that it is a part of, with the caller's own decision. */
  readonly parent?: { readonly spanId: string; readonly isSampled: boolean };
}

/** Decides alike for a trace whenever, and by whichever process, it is asked. */
export type Sampler = (trace: SampledTrace) => boolean;

const PARENT_BASED = "parentbased_";

export function createSampler(name: SamplerName, ratio: number): Sampler {
  const isParentBased = name.startsWith(PARENT_BASED);
  const root = rootSampler(isParentBased ? name.slice(PARENT_BASED.length) : name, ratio);
  const sampler: LibrarySampler = isParentBased ? new ParentBasedSampler({ root }) : root;
  return (given) => {
    const { decision } = sampler.shouldSample(contextOf(given), given.traceId, "", SpanKind.INTERNAL, {}, []);
    return decision === SamplingDecision.RECORD_AND_SAMPLED;
  };
}

function rootSampler(name: string, ratio: number): LibrarySampler {
  if (name === "always_on") return new AlwaysOnSampler();
  return name === "always_off" ? new AlwaysOffSampler() : new TraceIdRatioBasedSampler(ratio);
}

function contextOf({ traceId, parent }: SampledTrace): Context {
  if (parent === undefined) return ROOT_CONTEXT;
  const traceFlags = parent.isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId: parent.spanId, traceFlags, isRemote: true });
}
