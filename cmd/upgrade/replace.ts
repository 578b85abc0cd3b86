import { IdleAbort } from "../../pkg/async/mod.ts";
import type { Process } from "../../pkg/cli/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";

const START_MS_MAX = 60_000;

/** The form of what `unkey version --json` prints. */
const VERSION_LINE = /^\{"version":"\d+\.\d+\.\d+",/;

/**
 * Puts a new executable in the place of another at once: a start gets the former one or the new one, never a part.
 *
 * @param os Windows lets a running executable be renamed, not replaced: the former one stays beside it until the next upgrade
 * @throws `failed_precondition` when the new one does not start; the former one stays
 */
export async function replaceProgram(
  next: string,
  place: string,
  { clock, signal }: Pick<Process, "clock" | "signal">,
  os: string = Deno.build.os,
): Promise<void> {
  await Deno.chmod(next, 0o755).catch(ignoreUnsupported);
  using limit = new IdleAbort({ clock, idleMs: START_MS_MAX, signal });
  await checkStart(next, limit.signal, signal);
  if (os !== "windows") return await Deno.rename(next, place);
  const former = `${place}.former`;
  await Deno.remove(former).catch(() => undefined); // of the upgrade before
  await Deno.rename(place, former).catch(ignoreMissing);
  await Deno.rename(next, place);
}

async function checkStart(program: string, limit: AbortSignal, stop: AbortSignal): Promise<void> {
  const started = await start(program, limit);
  if (started.ok) return;
  stop.throwIfAborted();
  throw publicFault(
    "failed_precondition",
    `The new executable does not start on this machine, so it was thrown away: ${started.text}`,
  );
}

async function start(program: string, signal: AbortSignal): Promise<{ ok: boolean; text: string }> {
  try {
    const command = new Deno.Command(program, { args: ["version", "--json"], stdin: "null", signal });
    const { success, code, stdout, stderr } = await command.output();
    const text = new TextDecoder().decode(stdout);
    if (success && VERSION_LINE.test(text)) return { ok: true, text };
    return {
      ok: false,
      text: `exit code ${code}. ${new TextDecoder().decode(stderr).slice(0, 1_000).trim()}`,
    };
  } catch (error) {
    return { ok: false, text: error instanceof Error ? error.message : String(error) };
  }
}

function ignoreUnsupported(error: unknown): void {
  if (!(error instanceof Deno.errors.NotSupported)) throw error;
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
