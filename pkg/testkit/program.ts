/**
 * The program under test, as the argument of `deno run`: `main.ts`, or the bundle that `dev/run_suites.ts` makes once for
 * all suites. A bundle starts in a third of the processor time.
 */
export const MAIN: string = Deno.env.get("UNKEY_TEST_PROGRAM") ??
  new URL("../../main.ts", import.meta.url).pathname;
