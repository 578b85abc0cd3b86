/** The end of every `unkey preflight` command: probes run side by side, a line each, and one exit code. */
import { EXIT, type ExitCode, type ExitMeaning, printFailure, type Process } from "../../pkg/cli/mod.ts";
import {
  type Outcome,
  type Probe,
  PROBE_MS_MAX,
  type ProbeReport,
  runProbes,
} from "../../pkg/preflight/mod.ts";
import { jsonLine, oneLine, table } from "./output.ts";

export const PREFLIGHT_EXITS: readonly ExitMeaning[] = [
  { code: EXIT.ok, means: "it can start; there may be warnings" },
  { code: EXIT.failed, means: "a part does not answer, refuses, or lacks something" },
  { code: EXIT.usage, means: "wrong usage or settings" },
  { code: EXIT.interrupted, means: "Ctrl-C" },
];

/** Notes of the commands. @param command the one with the same settings, e.g. `ctrl api` */
export function preflightNotes(command: string): string {
  return `Takes the settings of "unkey ${command}", and asks each part that it needs, all at once, for at most ${
    PROBE_MS_MAX / 1_000
  } s. Nothing is
changed: what a probe writes is removed again.`;
}

const WORDS = { ok: "ok", warning: "warning", failed: "FAILED" } as const;

/** Asks, prints and answers with the exit code. */
export async function preflight(
  probes: readonly Probe[],
  { json }: { readonly json: boolean },
  process: Process,
): Promise<ExitCode> {
  const { clock, signal, stdout } = process;
  const probed = await runProbes(probes, { clock, signal });
  const failed = probed.filter(({ outcome }) => outcome === "failed").map(({ subject }) => subject);
  const shown = probed.map(toJson);
  if (!json) stdout(toText(probed));
  if (failed.length > 0) {
    const message = `Not ready: ${failed.join(", ")}.`;
    const found = json ? { ready: false, probes: shown } : undefined;
    return printFailure({ code: "not_ready", message, exitCode: EXIT.failed }, process, found);
  }
  if (json) stdout(jsonLine({ ready: true, probes: shown }));
  return EXIT.ok;
}

/** A part that was asked, as programs read it. */
export interface ProbeJson {
  readonly subject: string;
  readonly outcome: Outcome;
  readonly text: string;
  /** `null`: nothing is wrong. */
  readonly advice: string | null;
  readonly durationMs: number;
}

function toJson({ subject, outcome, text, advice, durationMs }: ProbeReport): ProbeJson {
  return { subject, outcome, text: oneLine(text), advice: advice ?? null, durationMs };
}

function toText(probed: readonly ProbeReport[]): string {
  const rows = probed.map(({ subject, outcome, text }) => [WORDS[outcome], subject, text]);
  const advice = probed.flatMap(({ subject, advice }) =>
    advice === undefined ? [] : [`${subject}: ${oneLine(advice)}\n`]
  );
  const list = table(["RESULT", "PART", "ANSWER"], rows);
  return advice.length === 0 ? list : `${list}\nTo do:\n${advice.map((line) => `  ${line}`).join("")}`;
}
