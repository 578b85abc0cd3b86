/** Calls that commands of a kind have in common, by exit code. */
import { SERVICE_TOKEN } from "../../../svc/ctrl/services/testing.ts";
import type { ApiConfig } from "../../../svc/ctrl/api/config.ts";
import type { Invocation, World } from "./world.ts";

/** One call of the program, in a world of its own. */
export interface Call extends Invocation {
  /** Settings of the api. */
  readonly config?: Partial<ApiConfig>;
  readonly prepare?: (world: World) => Promise<unknown> | void;
}

export type Row = Readonly<Record<number, Call>>;

export const NOWHERE = "http://127.0.0.1:1";
const LOGGED_OUT = { UNKEY_ROOT_KEY: "" };

/** Calls that each command of a developer has in common. */
export function developer(args: readonly string[], row: Row & { readonly 1: Call }): Row {
  return {
    0: { args },
    2: { args: [...args, "--no-such-flag"] },
    4: { args, env: LOGGED_OUT },
    20: { args, env: { UNKEY_API_BASE_URL: NOWHERE } },
    130: { args, env: { UNKEY_API_BASE_URL: "HOLDS" }, signals: {} },
    ...row,
  };
}

/** The same for a command about a cron, which is there. */
export function cron(args: readonly string[]): Row {
  const { 0: done, ...row } = developer(args, { 1: { args } });
  return { ...row, 0: { ...done, args, prepare: (world) => world.addCron("cleanup") } };
}

export function operator(args: readonly string[], failed: Call): Row {
  const row = developer(args, { 1: failed, 4: { args, env: { UNKEY_AUTH_TOKEN: "wrong" } } });
  const as = (call: Call): Call => ({ ...call, env: { UNKEY_AUTH_TOKEN: SERVICE_TOKEN, ...call.env } });
  return Object.fromEntries(Object.entries(row).map(([code, call]) => [code, as(call)]));
}

export const local = (args: readonly string[], row: Row = {}): Row => ({
  0: { args },
  1: { args, full: true },
  2: { args: [...args, "--no-such-flag"] },
  ...row,
});
export const full = (...args: readonly string[]): Call => ({ args, full: true });
