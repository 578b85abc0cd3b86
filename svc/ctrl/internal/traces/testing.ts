import type { NewSpan } from "../store/mod.ts";
import type { SpanTaker } from "./mod.ts";

/** For tests that look at no spans. */
export const NO_SPANS: SpanTaker = { push: () => undefined };

/** Keeps spans for a test. */
export function spanList(): SpanTaker & { readonly spans: NewSpan[] } {
  const spans: NewSpan[] = [];
  return { spans, push: (_id, added) => void spans.push(...added) };
}
