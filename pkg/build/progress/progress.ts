import type { StatusResponse, Vertex } from "../../../proto/gen/moby/buildkit/v1/control_pb.ts";
import type { BuildEvent } from "../builder.ts";
import { OutputLimits, StepOutput } from "./step_output.ts";
import { TerminalLines } from "./terminal_lines.ts";
import { bothEnds, oneLine } from "./texts.ts";

/** A build as it looks at its end. */
export interface BuildRecord {
  /** The first step that failed by itself; steps that were only cancelled with it do not count. */
  readonly failed: FailedStep | undefined;
  /** Names of steps in the order in which they began. */
  readonly names: readonly string[];
}

/** The step that made a build fail. */
export interface FailedStep {
  readonly name: string;
  readonly error: string;
  /** At most 20. */
  readonly lastLines: readonly string[];
}

type Status = Extract<BuildEvent, { kind: "step" }>["status"];

interface Step {
  readonly id: string;
  readonly name: string;
  readonly output: StepOutput;
  /** Lines that are not complete, by stream. */
  readonly streams: Map<bigint, TerminalLines>;
  /** The status in the last event; `waiting` before the first. */
  status: Status | "waiting";
  /** When the interval began that `status` is about; BuildKit can start a step again. */
  startedAt: string;
  error: string;
}

/** Steps that are remembered; finished ones are forgotten first. */
const STEPS_MAX = 2_000;
const NAMES_MAX = 10_000;
const NAME_CHARACTERS_MAX = 4_096;
const ERROR_CHARACTERS_MAX = 8_192;
const STDOUT = 1n;
const STDERR = 2n;
/** BuildKit's error for steps that end because another one failed. */
const CANCELLED = "context canceled";

/**
 * Turns BuildKit's messages into steps and whole lines. Of a step that prints too much the beginning and the end are
 * shown; lines, their length and steps are bounded, per step and per build.
 */
export class BuildProgress {
  readonly #steps = new Map<string, Step>();
  readonly #names: string[] = [];
  readonly #limits = new OutputLimits();
  readonly #emit: (event: BuildEvent) => void;
  /**
   * Steps that were over at once. BuildKit looks base images up in the cache like that, and begins them again in its next
   * message: their end is reported when it does not.
   */
  #brief: Step[] = [];
  #failed: Step | undefined;

  /** `emit` must not throw. */
  constructor(emit: (event: BuildEvent) => void) {
    this.#emit = emit;
  }

  /** Takes one message: the output in it is older than the ends of steps in it. */
  push(status: StatusResponse): void {
    this.#tellBrief((step) => status.vertexes.every((each) => each.digest !== step.id));
    for (const vertex of status.vertexes) this.#start(vertex);
    for (const { vertex, stream, msg } of status.logs) {
      const step = this.#steps.get(vertex);
      if (step !== undefined) this.#log(step, step.output.add(terminal(step, stream).push(msg)));
    }
    for (const vertex of status.vertexes) this.#end(vertex);
  }

  /** The record of the build; call it after the last message, since it shows the rest of the output. */
  record(): BuildRecord {
    this.#tellBrief(() => true);
    for (const step of this.#steps.values()) this.#flush(step);
    const failed = this.#failed;
    return {
      failed: failed && { name: failed.name, error: failed.error, lastLines: [...failed.output.lastLines] },
      names: [...this.#names],
    };
  }

  #start(vertex: Vertex): void {
    const startedAt = startOf(vertex);
    const known = this.#steps.get(vertex.digest);
    if (startedAt === "" || known?.startedAt === startedAt) return;
    const step = known ?? this.#add(vertex);
    if (step === undefined) return;
    step.startedAt = startedAt;
    const runs = vertex.completed === undefined && !vertex.cached;
    if (runs && step.status !== "running") this.#tell(step, "running");
  }

  #end(vertex: Vertex): void {
    if (vertex.error === "" && vertex.completed === undefined && !vertex.cached) return;
    const step = this.#steps.get(vertex.digest) ?? this.#add(vertex);
    if (step === undefined || step.startedAt !== startOf(vertex)) return;
    const status = vertex.error !== "" ? "failed" : vertex.cached ? "cached" : "done";
    if (step.status === status) return;
    step.error = bothEnds(vertex.error, ERROR_CHARACTERS_MAX);
    if (status === "failed" && !vertex.error.endsWith(CANCELLED)) this.#failed ??= step;
    else if (this.#failed === step) this.#failed = undefined;
    if (status === "done" && step.status === "waiting") this.#brief.push(step);
    else this.#tell(step, status);
  }

  #tellBrief(isOver: (step: Step) => boolean): void {
    const brief = this.#brief;
    this.#brief = [];
    for (const step of brief) {
      if (step.status !== "waiting") continue;
      if (isOver(step)) this.#tell(step, "done");
      else this.#brief.push(step);
    }
  }

  #add(vertex: Vertex): Step | undefined {
    if (this.#steps.size >= STEPS_MAX && !this.#forget()) return undefined;
    const step: Step = {
      id: vertex.digest,
      name: oneLine(vertex.name.slice(0, NAME_CHARACTERS_MAX)),
      output: new StepOutput(this.#limits),
      streams: new Map(),
      status: "waiting",
      startedAt: startOf(vertex),
      error: "",
    };
    this.#steps.set(vertex.digest, step);
    if (this.#names.length < NAMES_MAX) this.#names.push(step.name);
    return step;
  }

  #forget(): boolean {
    for (const step of this.#steps.values()) {
      if (step.status === "running" || step.status === "waiting" || step === this.#failed) continue;
      this.#flush(step);
      return this.#steps.delete(step.id);
    }
    return false;
  }

  #tell(step: Step, status: Status): void {
    step.status = status;
    if (status !== "running") this.#flush(step);
    this.#emit({ kind: "step", id: step.id, name: step.name, status });
  }

  /** Shows the rest of the step's output so far. */
  #flush(step: Step): void {
    const lines: string[] = [];
    for (const stream of step.streams.values()) lines.push(...step.output.add(stream.end()));
    step.streams.clear();
    lines.push(...step.output.end(step === this.#failed));
    this.#log(step, lines);
  }

  #log(step: Step, lines: readonly string[]): void {
    if (lines.length > 0) this.#emit({ kind: "log", stepName: step.name, lines });
  }
}

function terminal(step: Step, stream: bigint): TerminalLines {
  const key = stream === STDERR ? STDERR : STDOUT;
  const known = step.streams.get(key) ?? new TerminalLines();
  step.streams.set(key, known);
  return known;
}

/** Empty for a step that waits. */
function startOf({ started }: Vertex): string {
  return started === undefined ? "" : `${started.seconds}.${started.nanos}`;
}
