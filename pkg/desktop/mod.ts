/**
 * The user's desktop: opens a URL in a browser.
 *
 * ```ts
 * const missing = desktopProblem({ env, os: Deno.build.os });
 * if (missing === undefined) await openUrl(url, { program: browserOf({ env, os }), clock, signal });
 * ```
 *
 * @module
 */
import type { Clock } from "../clock/mod.ts";
import { publicFault } from "../fault/mod.ts";

export interface Machine {
  readonly env: (name: string) => string | undefined;
  /** `Deno.build.os` */
  readonly os: string;
}

/** A program with the words that go before the URL. */
export type Launcher = readonly [program: string, ...words: string[]];

/** A browser that is still starting counts as open; programs that fail do so at once. */
const START_MS = 3_000;

/** The reason why no browser would be seen here, as the end of a sentence; `undefined` on a desktop. */
export function desktopProblem({ env, os }: Machine): string | undefined {
  const isSet = (name: string): boolean => (env(name) ?? "") !== "";
  if (isSet("CI")) return "this is a CI job";
  if (os === "windows" || isSet("WSL_DISTRO_NAME")) return undefined;
  const display = os !== "darwin" && (isSet("DISPLAY") || isSet("WAYLAND_DISPLAY"));
  if (display) return undefined;
  if (isSet("SSH_CONNECTION")) return "this is a session over SSH";
  return os === "darwin" ? undefined : "there is no display";
}

/** The system's own way to open a URL. */
export function systemLauncher({ env, os }: Machine): Launcher {
  if (os === "darwin") return ["open"];
  // `start` is a word of the shell, which would read the URL's own `&`.
  if (os === "windows" || (env("WSL_DISTRO_NAME") ?? "") !== "") {
    return ["rundll32.exe", "url.dll,FileProtocolHandler"];
  }
  return ["xdg-open"];
}

/**
 * Starts the program with the URL, and answers when it has ended or has run for 3 seconds.
 *
 * @throws `failed_precondition` when there is no such program or it fails, `invalid_argument` for a URL that is not http or https
 */
export async function openUrl(
  url: string,
  { launcher: [program, ...words], clock, signal }: {
    readonly launcher: Launcher;
    readonly clock: Pick<Clock, "sleep">;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const protocol = URL.canParse(url) ? new URL(url).protocol : "";
  if (protocol !== "http:" && protocol !== "https:") {
    throw publicFault("invalid_argument", `"${url}" is not an http:// or https:// URL, so it is not opened.`);
  }
  const child = start(program, [...words, url]);
  const done = new AbortController();
  try {
    const code = await Promise.race([
      child.status.then((status) => status.code),
      clock.sleep(START_MS, AbortSignal.any([signal, done.signal])).then(() => 0),
    ]);
    if (code !== 0) throw notOpened(`${program} ended with exit code ${code}`);
  } finally {
    done.abort();
    // The browser goes on when this program has ended.
    child.unref();
  }
}

function start(program: string, args: string[]): Deno.ChildProcess {
  try {
    return new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
  } catch (error) {
    const missing = error instanceof Deno.errors.NotFound;
    throw notOpened(missing ? `there is no program ${program}` : `${program} cannot be started`, error);
  }
}

function notOpened(why: string, cause?: unknown): Error {
  const text =
    `The URL could not be opened: ${why}. Open it yourself, or name a program with --browser (BROWSER).`;
  return publicFault("failed_precondition", text, cause);
}
