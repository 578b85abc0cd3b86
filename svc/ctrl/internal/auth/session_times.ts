/** Time without a page that is shown, after which a session ends. */
export const SESSION_IDLE_MS = 12 * 3_600_000;
/** The longest life of a session. */
export const SESSION_MS_MAX = 7 * 86_400_000;
/** The use of a session is noted so often at most. */
export const SESSION_SEEN_MS = 60_000;

/** The times between which a session works now. */
export function sessionTimes(nowMs: number): { readonly nowMs: number; readonly seenSinceMs: number } {
  return { nowMs, seenSinceMs: nowMs - SESSION_IDLE_MS };
}
