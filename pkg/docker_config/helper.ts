import { z } from "zod";
import type { RegistryCredentials } from "../registry/mod.ts";
import { parseJson } from "./config_file.ts";
import { found } from "./entry.ts";
import type { HelperOutput, RunHelper } from "./run_helper.ts";

/** The answer of a helper. The reason of a failure holds no secret. */
export type HelperAnswer =
  | { readonly kind: "credentials"; readonly credentials: RegistryCredentials }
  | { readonly kind: "none" }
  | { readonly kind: "failed"; readonly reason: string };

/** A question to a helper. */
export interface AskOptions {
  readonly run: RunHelper;
  readonly signal: AbortSignal;
  readonly msMax: number;
}

const ANSWER = z.object({ Username: z.string(), Secret: z.string() });
const NOT_FOUND = "credentials not found in native keychain";
const REASON_CHARACTERS_MAX = 200;

/** Asks a helper for the credentials of a server. @throws the signal's reason when it aborts */
export async function askHelper(
  program: string,
  server: string,
  { run, signal, msMax }: AskOptions,
): Promise<HelperAnswer> {
  const timeout = AbortSignal.timeout(msMax);
  try {
    return answerOf(await run(program, server, AbortSignal.any([signal, timeout])));
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.aborted) return failed(`it did not answer within ${msMax / 1000} s`);
    if (error instanceof Deno.errors.NotFound) return failed("it is not on the PATH");
    return failed(`it cannot be run (${error instanceof Error ? error.name : "error"})`);
  }
}

function answerOf({ code, stdout, stderr, cut }: HelperOutput): HelperAnswer {
  if (cut) return failed("it printed more than 256 KiB");
  // Helpers print their errors on standard output.
  if (code !== 0) {
    if (stdout.trim() === NOT_FOUND) return { kind: "none" };
    const text = shown(stdout) ?? shown(stderr);
    return failed(text === undefined ? `exit code ${code}` : `exit code ${code}: ${text}`);
  }
  const { success, data } = ANSWER.safeParse(parseJson(stdout));
  if (!success) return failed("its answer is not what a credential helper prints");
  const decoded = found(data.Username, data.Secret);
  return decoded.kind === "credentials" ? decoded : { kind: "none" };
}

/** The first line, unless it may be an answer with a secret in it. */
function shown(output: string): string | undefined {
  const line = output.split("\n").map((each) => each.trim()).find((each) => each !== "");
  if (line === undefined || /^[[{]|"?secret"?\s*:/i.test(line)) return undefined;
  // deno-lint-ignore no-control-regex -- control characters are what is taken out
  return line.replaceAll(/[\x00-\x1f\x7f-\x9f]/g, "").slice(0, REASON_CHARACTERS_MAX);
}

function failed(reason: string): HelperAnswer {
  return { kind: "failed", reason };
}
