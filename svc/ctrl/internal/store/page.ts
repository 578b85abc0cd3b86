import type { PagePosition } from "../page_token.ts";

/** Part of a list that goes from the newest row to the oldest. */
export interface Page {
  /** Only rows that are older than this; `undefined`: from the newest. */
  readonly before: PagePosition | undefined;
  readonly limit: number;
}
