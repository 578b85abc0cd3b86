import { join } from "node:path";
import type { Directories } from "./process.ts";

const NAME = "unkey";

/** This user's folders per the XDG base directories; Windows and machines without a home get the nearest thing. */
export function baseDirectories(env: (name: string) => string | undefined): Directories {
  const set = (name: string): string | undefined => env(name) || undefined;
  const temporary = set("TMPDIR") ?? set("TEMP") ?? "/tmp";
  const home = set("HOME") ?? set("USERPROFILE") ?? temporary;
  const base = (variable: string, ...fallback: readonly string[]): string =>
    join(set(variable) ?? join(home, ...fallback), NAME);
  return {
    config: base("XDG_CONFIG_HOME", ".config"),
    cache: base("XDG_CACHE_HOME", ".cache"),
    data: base("XDG_DATA_HOME", ".local", "share"),
    temporary,
  };
}
