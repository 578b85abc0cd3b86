/** The release before this one, as `dev/parts/previous_release.sh` unpacks it; without it these tests are ignored. */
import { V8_FLAGS } from "../../dev/v8_flags.ts";

const HOME_CACHE = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/root"}/.cache`;
const CACHE = Deno.env.get("UNKEY_DEV_CACHE") ?? `${HOME_CACHE}/unkey-dev`;
const HASH = (await Deno.readTextFile(new URL("../../dev/previous_release", import.meta.url))).trim();

export const PREVIOUS_RELEASE = `${CACHE}/release-${HASH}`;
export const PREVIOUS_RELEASE_ABSENT = await Deno.stat(PREVIOUS_RELEASE).then(() => false, () => true);

/** The command line of `unkey` of a checkout. */
export function programOf(folder: string): readonly string[] {
  return [Deno.execPath(), "run", "-A", "--quiet", `--v8-flags=${V8_FLAGS}`, `${folder}/main.ts`];
}

export const THIS_RELEASE = programOf(new URL("../..", import.meta.url).pathname.replace(/\/$/, ""));
