import type { BuildTrace, Vertex } from "./build_trace.ts";

/** What a build tells while it runs. */
export type BuildEvent =
  | {
    readonly kind: "step";
    /** Stable during one build. */
    readonly id: string;
    /** The instruction as BuildKit shows it, e.g. `[2/3] RUN make`. */
    readonly name: string;
    readonly status: "running" | "done" | "failed" | "cached";
  }
  | {
    readonly kind: "log";
    readonly stepId: string;
    readonly stepName: string;
    readonly lines: readonly string[];
  };

/** What is known about a build when it ends. */
export interface BuildRecord {
  /** The first step that failed by itself; steps that were only cancelled with it do not count. */
  readonly failed:
    | { readonly name: string; readonly error: string; readonly lastLines: readonly string[] }
    | undefined;
  /** Whether a context archive was unpacked. */
  readonly contextUnpacked: boolean;
  /** Names of steps in the order in which they began. */
  readonly names: readonly string[];
}

const LINE_CHARS_MAX = 4_096;
const LINES_MAX = 20_000;
const LAST_LINES = 20;
/** Lines that are kept per step, for the case that it fails. */
const STEPS_KEPT_MAX = 500;

interface Step {
  readonly id: string;
  readonly name: string;
  status: "waiting" | "running" | "done" | "failed" | "cached";
  error: string;
  readonly lastLines: string[];
  readonly cutters: Map<number, LineCutter>;
}

/** Turns BuildKit's traces into steps and whole lines, bounded in number and length. */
export class BuildProgress {
  readonly #steps = new Map<string, Step>();
  readonly #order: string[] = [];
  readonly #emit: (event: BuildEvent) => void;
  #lines = 0;

  constructor(emit: (event: BuildEvent) => void) {
    this.#emit = emit;
  }

  /** Takes one message. */
  push(trace: BuildTrace): void {
    for (const vertex of trace.vertexes) this.#vertex(vertex);
    for (const { vertex, stream, bytes } of trace.outputs) {
      const step = this.#steps.get(vertex);
      if (step === undefined) continue;
      const cutter = step.cutters.get(stream) ?? new LineCutter();
      step.cutters.set(stream, cutter);
      this.#log(step, cutter.push(bytes));
    }
  }

  /** What happened; call it after the last message. */
  record(): BuildRecord {
    for (const step of this.#steps.values()) this.#flush(step);
    const failed = [...this.#steps.values()].find((each) =>
      each.status === "failed" && !/context canceled$/.test(each.error)
    );
    return {
      failed: failed && { name: failed.name, error: failed.error, lastLines: failed.lastLines },
      contextUnpacked: this.#order.some((name) => name === CONTEXT_UNPACK),
      names: this.#order,
    };
  }

  #vertex(vertex: Vertex): void {
    const step = this.#step(vertex);
    if (step === undefined) return;
    if (step.status === "done" || step.status === "failed" || step.status === "cached") return;
    const before = step.status;
    if (vertex.error !== "") step.status = "failed";
    else if (vertex.cached) step.status = "cached";
    else if (vertex.completed) step.status = "done";
    else if (vertex.started) step.status = "running";
    step.error = vertex.error;
    if (step.status === before || step.status === "waiting") return;
    if (before === "waiting") this.#order.push(step.name);
    if (step.status !== "running") this.#flush(step);
    if (step.name === CONTEXT_UNPACK) return;
    const name = step.name === CONTEXT_LOAD ? "load build context" : step.name;
    this.#emit({ kind: "step", id: step.id, name, status: step.status });
  }

  #step(vertex: Vertex): Step | undefined {
    const known = this.#steps.get(vertex.digest);
    if (known !== undefined || this.#steps.size >= STEPS_KEPT_MAX) return known;
    const name = vertex.name.replace(/[\r\n]+/g, " ").slice(0, LINE_CHARS_MAX);
    const step: Step = {
      id: vertex.digest,
      name,
      status: "waiting",
      error: "",
      lastLines: [],
      cutters: new Map(),
    };
    this.#steps.set(vertex.digest, step);
    return step;
  }

  #flush(step: Step): void {
    for (const cutter of step.cutters.values()) this.#log(step, cutter.end());
  }

  #log(step: Step, lines: readonly string[]): void {
    if (lines.length === 0) return;
    step.lastLines.push(...lines.slice(-LAST_LINES));
    step.lastLines.splice(0, Math.max(0, step.lastLines.length - LAST_LINES));
    const left = LINES_MAX - this.#lines;
    this.#lines += lines.length;
    if (left <= 0) return;
    const shown = lines.slice(0, left);
    if (lines.length > left) shown.push(`(more than ${LINES_MAX} lines of output: the rest is not shown)`);
    this.#emit({ kind: "log", stepId: step.id, stepName: step.name, lines: shown });
  }
}

/** What BuildKit calls its own work on a context that comes from a URL. */
const CONTEXT_LOAD = "[internal] load remote build context";
const CONTEXT_UNPACK = "copy /context /";

/** Cuts output into lines; a carriage return alone rewrites the line, as progress bars do. */
class LineCutter {
  readonly #decoder = new TextDecoder();
  #rest = "";

  push(bytes: Uint8Array): string[] {
    const pieces = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#rest = pieces.pop() ?? "";
    const lines = pieces.map(plainLine);
    if (this.#rest.length > LINE_CHARS_MAX) {
      lines.push(plainLine(this.#rest));
      this.#rest = "";
    }
    return lines;
  }

  end(): string[] {
    const last = this.#rest;
    this.#rest = "";
    return last === "" ? [] : [plainLine(last)];
  }
}

function plainLine(line: string): string {
  const whole = line.replace(/\r+$/, "");
  return whole.slice(whole.lastIndexOf("\r") + 1).slice(0, LINE_CHARS_MAX);
}
