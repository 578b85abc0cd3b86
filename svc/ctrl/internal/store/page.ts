import type { PagePosition } from "../page_token.ts";

/** Which rows of a list that goes from the newest to the oldest. */
export interface Page {
  /** Only what is older than this one; `undefined`: from the newest. */
  readonly before: PagePosition | undefined;
  readonly limit: number;
}
