/** The end of unused previews. */
import { PRODUCTION_SLUG } from "./host_label.ts";

/** The environment that the operator's value holds for; others end only when their own setting says so. */
export const PREVIEW_SLUG = "preview";
export const IDLE_END_SECONDS_MAX = 10 * 365 * 86_400;

/** Seconds without a request after which a deployment of the environment is stopped; 0: never. */
export function idleEndSeconds(
  { slug, idle_end_seconds: own }: { readonly slug: string; readonly idle_end_seconds: number | null },
  operatorSeconds: number,
): number {
  if (slug === PRODUCTION_SLUG) return 0;
  return own ?? (slug === PREVIEW_SLUG ? operatorSeconds : 0);
}
