import type { Clock } from "../../../../pkg/clock/mod.ts";
import type { DashboardSite } from "../../internal/auth/site.ts";
import type { CtrlDatabase } from "../../internal/store/mod.ts";

export interface SessionDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly site: DashboardSite;
  /** Slows down clients that try codes. */
  readonly guesses: CodeGuesses;
}

/** Counts the wrong codes of a client, which is known by the headers of its request. */
export interface CodeGuesses {
  /** Before the code is looked up. @throws `rate_limited` after many wrong ones */
  take(headers: Headers): void;
  /** The code was right. */
  give(headers: Headers): void;
}
