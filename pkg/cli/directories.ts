import { posix, win32 } from "node:path";
import type { Directories } from "./process.ts";

const NAME = "unkey";

/**
 * This user's folders: those of the XDG base directories, on macOS too, as other command lines have it; on Windows the
 * roaming and the local folder for programs' data, unless XDG variables name others.
 *
 * @param os `Deno.build.os`
 */
export function baseDirectories(env: (name: string) => string | undefined, os: string): Directories {
  const { join } = os === "windows" ? win32 : posix;
  const set = (name: string): string | undefined => env(name) || undefined;
  const temporary = set("TMPDIR") ?? set("TEMP") ?? (os === "windows" ? "C:\\Windows\\Temp" : "/tmp");
  const home = set("HOME") ?? set("USERPROFILE") ?? temporary;
  const local = set("LOCALAPPDATA") ?? join(home, "AppData", "Local");
  const folders = os === "windows"
    ? {
      config: join(set("APPDATA") ?? join(home, "AppData", "Roaming"), NAME),
      cache: join(local, NAME, "cache"),
      data: join(local, NAME, "data"),
    }
    : {
      config: join(home, ".config", NAME),
      cache: join(home, ".cache", NAME),
      data: join(home, ".local", "share", NAME),
    };
  const xdg = (variable: string, otherwise: string): string => {
    const base = set(variable);
    return base === undefined ? otherwise : join(base, NAME);
  };
  return {
    config: xdg("XDG_CONFIG_HOME", folders.config),
    cache: xdg("XDG_CACHE_HOME", folders.cache),
    data: xdg("XDG_DATA_HOME", folders.data),
    temporary,
  };
}

/** The signals that ask a program to stop. Windows has no SIGTERM: SIGBREAK comes from Ctrl-Break and closed consoles. */
export function stopSignals(os: string): readonly Deno.Signal[] {
  return os === "windows" ? ["SIGINT", "SIGBREAK"] : ["SIGINT", "SIGTERM"];
}
