/** Opens a URL in the user's browser, or prints it where no browser would be seen. */
import type { Process } from "../../pkg/cli/mod.ts";
import { type ConfigOf, field, switchField, textSchema } from "../../pkg/config/mod.ts";
import { desktopProblem, openUrl, systemLauncher } from "../../pkg/desktop/mod.ts";

/** Settings of commands that open a URL. */
export const BROWSER_FIELDS = {
  print: switchField({
    flag: "print",
    env: "UNKEY_OPEN_PRINT",
    help: "Print the URL instead of opening it.",
  }),
  browser: field({
    flag: "browser",
    env: "BROWSER",
    placeholder: "<program>",
    help: "Program that opens the URL. Default: that of the system (xdg-open, open or the shell of Windows).",
    schema: textSchema(),
  }),
};

/** Under which conditions it prints; for the notes of a command. */
export const BROWSER_NOTES =
  `Without a desktop (no display, a session over SSH, a CI job) or when standard output is not a terminal, the URL is
printed instead.`;

/**
 * Opens the URL. `shown` is what the message names instead, for a URL that holds a secret.
 *
 * @throws `failed_precondition` when it cannot be opened; then it has been printed
 */
export async function openOrPrint(
  config: ConfigOf<typeof BROWSER_FIELDS>,
  { url, shown = url }: { readonly url: string; readonly shown?: string },
  process: Process,
): Promise<void> {
  const reason = reasonToPrint(config, process);
  if (reason !== undefined) {
    if (reason !== "") process.stderr(`   not opened: ${reason}\n`);
    return process.stdout(`${url}\n`);
  }
  process.stderr(`opening ${shown}\n`);
  const launcher = config.browser === undefined
    ? systemLauncher(machineOf(process))
    : [config.browser] as const;
  await openUrl(url, { launcher, clock: process.clock, signal: process.signal }).catch((error: unknown) => {
    // The URL is what the command is for, also when it fails.
    process.stdout(`${url}\n`);
    throw error;
  });
}

/** Empty where it was asked for; `undefined` where the URL is opened. */
function reasonToPrint(
  { print, browser }: ConfigOf<typeof BROWSER_FIELDS>,
  process: Process,
): string | undefined {
  if (print) return "";
  if (!process.terminal.stdout) return "standard output is not a terminal";
  return browser === undefined ? desktopProblem(machineOf(process)) : undefined;
}

function machineOf({ env }: Process): Parameters<typeof desktopProblem>[0] {
  return { env, os: Deno.build.os };
}
