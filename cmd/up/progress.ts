import { paint, type Process } from "../../pkg/cli/mod.ts";
import type { DownloadProgress } from "../../pkg/restate_server/mod.ts";

/** Called with the progress of a download. */
export type OnDownload = (progress: DownloadProgress) => void;

/** Shows how the start goes, a line per part, on standard error. */
export interface Progress {
  /** Runs `start`, and shows its time and a few words about the part, made of the result by `describe`. */
  step<T>(
    part: string,
    start: (onDownload: OnDownload) => Promise<T>,
    describe: (result: T) => string,
  ): Promise<T>;
  /** Shows a line about a part that has started. */
  notice(part: string, text: string): void;
}

const PART_WIDTH = 16;
const BAR_WIDTH = 24;
/** Without a terminal a download is reported in quarters. */
const SHARES = 4;

/** Progress on standard error, as a terminal or a log file needs it. */
export function createProgress(process: Pick<Process, "stderr" | "terminal" | "clock">): Progress {
  const { stderr, terminal, clock } = process;
  const colours = paint(process);
  const line = (mark: string, part: string, text: string): void =>
    stderr(`${terminal.live ? "\r\x1b[K" : ""}${mark} ${part.padEnd(PART_WIDTH)}${text}\n`);

  const downloadOf = (part: string): OnDownload => {
    let shownStep = -1;
    return ({ receivedBytes, totalBytes }) => {
      const share = totalBytes === undefined ? 0 : receivedBytes / totalBytes;
      const size = megabytes(receivedBytes) +
        (totalBytes === undefined ? "" : ` of ${megabytes(totalBytes)}`);
      const step = Math.floor(share * (terminal.live ? 100 : SHARES));
      if (step === shownStep) return;
      shownStep = step;
      if (!terminal.live) return line(" ", part, `downloading, ${size}`);
      const bar = "#".repeat(Math.round(share * BAR_WIDTH)).padEnd(BAR_WIDTH, "-");
      stderr(`\r\x1b[K  ${part.padEnd(PART_WIDTH)}${bar} ${size}`);
    };
  };

  return {
    async step(part, start, describe) {
      const startedMs = clock.now();
      if (terminal.live) stderr(`  ${part.padEnd(PART_WIDTH)}${colours.dim("starting")}`);
      try {
        const result = await start(downloadOf(part));
        const took = colours.dim(`${((clock.now() - startedMs) / 1000).toFixed(1)} s`);
        line(colours.green("ok"), part, `${describe(result)}  ${took}`);
        return result;
      } catch (error) {
        line(colours.red("--"), part, "did not start");
        throw error;
      }
    },
    notice: (part, text) => line(colours.yellow("! "), part, text),
  };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
