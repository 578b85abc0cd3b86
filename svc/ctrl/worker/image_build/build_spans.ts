/** The steps of a builder as spans, with what its cache had. */
import type { BuildEvent } from "../../../../pkg/build/mod.ts";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { type NewSpan, stepSpanId } from "../../internal/store/mod.ts";
import { plain } from "../../internal/traces/mod.ts";

export interface BuildSpansOptions {
  readonly clock: Clock;
  readonly deploymentId: string;
  /** Unique for each attempt of one deployment. */
  readonly buildId: string;
}

/** Steps of one build; a Dockerfile with more is rare, and its first ones say enough. */
const STEPS_MAX = 200;
const NAME_BYTES_MAX = 120;
/** As the builders call it. */
const PUSH = "push";

type Step = Extract<BuildEvent, { kind: "step" }>;

/** Follows the events of one build. Its times are those at which events arrive. */
export class BuildSpans {
  readonly #options: BuildSpansOptions;
  readonly #begunAtMs: number;
  readonly #running = new Map<string, { readonly name: string; readonly startedAtMs: number }>();
  readonly #spans = new Map<string, NewSpan>();

  constructor(options: BuildSpansOptions) {
    this.#options = options;
    this.#begunAtMs = options.clock.now();
  }

  take(event: BuildEvent): void {
    if (event.kind !== "step") return;
    const nowMs = this.#options.clock.now();
    if (event.status === "running") {
      if (this.#running.size < STEPS_MAX) {
        this.#running.set(event.id, { name: event.name, startedAtMs: nowMs });
      }
      return;
    }
    const known = this.#spans.get(event.id);
    // BuildKit looks a base image up, and then takes it from its cache: that is one step.
    if (event.status === "cached" && known !== undefined) return;
    if (known === undefined && this.#spans.size >= STEPS_MAX) return;
    const startedAtMs = this.#running.get(event.id)?.startedAtMs ??
      (event.status === "cached" ? nowMs : this.#begunAtMs);
    this.#running.delete(event.id);
    this.#spans.set(event.id, this.#span(event, { startedAtMs, status: event.status }));
  }

  /** All spans; steps that still run were broken off. */
  end(): readonly NewSpan[] {
    const broken = Array.from(
      this.#running,
      ([id, { name, startedAtMs }]) => this.#span({ id, name }, { startedAtMs, status: "failed" }),
    );
    return [...this.#spans.values(), ...broken];
  }

  #span(
    { id, name }: Pick<Step, "id" | "name">,
    { startedAtMs, status }: Required<Pick<NewSpan, "startedAtMs" | "status">>,
  ): NewSpan {
    const { deploymentId, buildId } = this.#options;
    const isPush = id === PUSH;
    return {
      source: "worker",
      key: `${buildId} ${id}`,
      parentId: stepSpanId(deploymentId, "building"),
      name: isPush ? PUSH : plain(name, NAME_BYTES_MAX),
      ...(isPush ? { detail: plain(name, NAME_BYTES_MAX) } : {}),
      status,
      startedAtMs,
      endedAtMs: this.#options.clock.now(),
    };
  }
}
