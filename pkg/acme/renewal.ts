/** When a certificate is to be renewed. */
import { z } from "zod";

/** The time that the authority suggests (RFC 9773). */
export interface RenewalWindow {
  readonly startMs: number;
  readonly endMs: number;
}

export interface RenewalInfo {
  readonly window: RenewalWindow;
  /** When to ask again. */
  readonly askAgainMs: number;
}

const DAY_MS = 24 * 60 * 60_000;
/** The part of its lifetime after which a certificate is renewed without the authority's advice. */
const RENEW_AT = 2 / 3;

const time = z.string().max(64).transform((text) => Date.parse(text)).refine(Number.isFinite);
const answer = z.object({ suggestedWindow: z.object({ start: time, end: time }) });

/** Reads the window of an answer; `undefined` when it is none. */
export function readWindow(text: string): RenewalWindow | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = answer.safeParse(json);
  if (!parsed.success) return undefined;
  const { start: startMs, end: endMs } = parsed.data.suggestedWindow;
  return endMs > startMs ? { startMs, endMs } : undefined;
}

/**
 * The time to renew: a moment in the authority's window, or else two thirds of the actual lifetime.
 *
 * Never later than a day, or a tenth of the lifetime, before the end, whatever the window says.
 *
 * @param spread between 0 and 1: where in the window, so that not all certificates come at once
 */
export function renewAt(
  { notBeforeMs, notAfterMs }: { readonly notBeforeMs: number; readonly notAfterMs: number },
  { window, spread }: { readonly window?: RenewalWindow | undefined; readonly spread: number },
): number {
  const lifetimeMs = notAfterMs - notBeforeMs;
  const latestMs = notAfterMs - Math.min(DAY_MS, lifetimeMs / 10);
  if (window === undefined) return notBeforeMs + Math.round(lifetimeMs * RENEW_AT);
  return Math.min(latestMs, Math.round(window.startMs + (window.endMs - window.startMs) * spread));
}
