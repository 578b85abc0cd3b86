import { type Paint, paint, type Process } from "../../../pkg/cli/mod.ts";
import { oneLine, printable } from "../output.ts";
import type { EventLines } from "./event_lines.ts";
import type { DeploymentEvent } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";

const FRAMES = ["|", "/", "-", "\\"];
const FRAME_MS = 120;
const BAR_WIDTH = 24;
const TITLES: Readonly<Record<string, string>> = {
  queued: "waiting for a build slot",
  building: "building",
  deploying: "starting",
  network: "switching traffic",
};

type ReportProcess = Pick<Process, "stderr" | "terminal" | "clock">;

/**
 * Progress of a deploy on standard error: lines that stay, and below them, on a terminal, one line that moves. `lines`
 * gets the events, too.
 */
export class Report implements Disposable {
  readonly #process: ReportProcess;
  readonly #colours: Paint;
  readonly #lines: EventLines | undefined;
  readonly #started = new Map<string, bigint>();
  #busy: { text: string; sinceMs: number } | undefined;
  #frame = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #origin = "";

  constructor(process: ReportProcess, lines?: EventLines) {
    this.#process = process;
    this.#lines = lines;
    this.#colours = paint(process);
  }

  /** A line that stays. */
  line(text: string): void {
    this.#clear();
    this.#process.stderr(`${text}\n`);
    this.#draw();
  }

  /** A phase is done. */
  done(text: string, ms?: number): void {
    const took = ms === undefined ? "" : ` ${this.#colours.dim(`(${seconds(ms)})`)}`;
    this.line(`${this.#colours.green("ok")} ${text}${took}`);
  }

  /** The deployment exists. */
  created(id: string, ms: number): void {
    this.#lines?.created(id);
    this.done(`created ${id}`, ms);
  }

  /** A fact that the user may not expect. */
  note(text: string): void {
    this.#lines?.notice(oneLine(text));
    this.#note(text);
  }

  /** A problem that ends nothing; of one line or several. */
  warning(text: string): void {
    this.#lines?.notice(printable(text));
    this.line(`${this.#colours.yellow("warning")} ${printable(text)}`);
  }

  /** The current activity; shown on terminals only, until `idle`. */
  busy(text: string): void {
    if (!this.#process.terminal.live) return;
    this.#busy = { text, sinceMs: this.#process.clock.now() };
    this.#timer ??= setInterval(() => {
      this.#frame++;
      this.#clear();
      this.#draw();
    }, FRAME_MS);
  }

  /** Progress of an upload; replaces the text of `busy`. */
  progress(text: string, share: number): void {
    if (this.#busy === undefined) return;
    const bar = "#".repeat(Math.round(share * BAR_WIDTH)).padEnd(BAR_WIDTH, "-");
    this.#busy.text = `${text} ${bar} ${Math.round(share * 100)}%`;
  }

  /** Ends the activity of `busy`. */
  idle(): void {
    this.#clear();
    this.#busy = undefined;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Shows one event of the deployment. */
  event(event: DeploymentEvent): void {
    this.#lines?.event(event);
    const { createdAt, payload } = event;
    switch (payload.case) {
      case "step":
        return this.#step(payload.value.name, payload.value.status, payload.value.message, createdAt);
      case "log":
        return this.#log(payload.value.origin, payload.value.lines);
      case "notice":
        return this.#note(payload.value.message);
      case "status":
      case undefined:
        return;
    }
  }

  [Symbol.dispose](): void {
    this.idle();
  }

  #note(text: string): void {
    this.line(`${this.#colours.yellow("note")} ${oneLine(text)}`);
  }

  #step(name: string, status: string, message: string, at: bigint): void {
    const title = TITLES[name] ?? name;
    if (status === "running") {
      const text = oneLine(message).replace(/\.$/, "") || title;
      // A step that waits is reported again whenever its place in the queue changes.
      const isRetold = this.#started.has(name);
      if (!isRetold) this.#started.set(name, at);
      this.busy(text);
      // What the app waits for stays on the screen; it can be long.
      if (name === "deploying" && isRetold) this.line(`${this.#colours.yellow("..")} ${text}`);
      else if (!this.#process.terminal.live) this.line(`.. ${name === "queued" ? text : title}`);
      return;
    }
    const since = this.#started.get(name);
    this.#started.delete(name);
    if (status === "done") {
      this.done(title, since === undefined ? undefined : Number(at - since));
      if (message !== "") this.line(`   ${this.#colours.dim(oneLine(message))}`);
    } else if (status === "failed") this.line(`${this.#colours.red("failed")} ${title}`);
    // The activity is over; the next step names the next one.
    if (this.#busy !== undefined) this.busy("waiting");
  }

  #log(origin: string, lines: readonly string[]): void {
    if (origin !== this.#origin) this.line(`   ${this.#colours.cyan(origin)}`);
    this.#origin = origin;
    for (const each of lines) this.line(`   ${this.#colours.dim("|")} ${printable(each)}`);
  }

  #clear(): void {
    if (this.#busy !== undefined && this.#process.terminal.live) this.#process.stderr("\r\x1b[K");
  }

  #draw(): void {
    if (this.#busy === undefined) return;
    const { text, sinceMs } = this.#busy;
    const frame = FRAMES[this.#frame % FRAMES.length] ?? "";
    const line = `${frame}  ${text} ${seconds(this.#process.clock.now() - sinceMs)}`;
    this.#process.stderr(cutToColumns(line, this.#process.terminal.columns() - 1));
  }
}

/** As much of the text as surely fits: a line that wraps could not be erased. */
export function cutToColumns(text: string, columns: number): string {
  let [cut, used] = ["", 0];
  for (const char of text) {
    // Some characters beyond ASCII take two columns; a little short does no harm.
    used += char <= "\x7e" ? 1 : 2;
    if (used > columns) break;
    cut += char;
  }
  return cut;
}

/** Milliseconds as seconds with one digit. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
