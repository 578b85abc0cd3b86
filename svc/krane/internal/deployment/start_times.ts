import type { Clock } from "../../../../pkg/clock/mod.ts";

/** A part of a start, for the trace of the deploy. */
export interface StartSpan {
  /** Unique in the deployment and region. */
  readonly key: string;
  readonly name: string;
  readonly detail: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly failed: boolean;
}

interface Book {
  readonly appliedAtMs: number;
  /** The time up to which each instance's work is known. */
  readonly marks: Map<string, number>;
  /** Of all spans, sent or not. */
  readonly keys: Set<string>;
  waiting: StartSpan[];
}

/** Deployments beyond it are dropped, the oldest first: their starts are over. */
const DEPLOYMENTS_MAX = 2_000;
/** The control plane takes no more of one report. */
const SPANS_MAX = 100;

/** The times of the parts of starts: only the first of each counts, since later ones belong to no deploy. */
export class StartTimes {
  readonly #clock: Clock;
  readonly #books = new Map<string, Book>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A desired state has arrived; the first one of a deployment counts. */
  applied(name: string): void {
    if (this.#books.has(name)) return;
    const [oldest] = this.#books.keys();
    if (this.#books.size >= DEPLOYMENTS_MAX && oldest !== undefined) this.#books.delete(oldest);
    this.#books.set(name, {
      appliedAtMs: this.#clock.now(),
      marks: new Map(),
      keys: new Set(),
      waiting: [],
    });
  }

  /** Adds work of a deployment, once for each key. */
  add(name: string, span: StartSpan): void {
    const book = this.#books.get(name);
    if (book === undefined || book.keys.has(span.key) || book.keys.size >= SPANS_MAX) return;
    if (book.keys.size === 0) {
      const prepare = { key: "prepare", name: "prepare", detail: "", failed: false };
      book.keys.add(prepare.key);
      book.waiting.push({ ...prepare, startedAtMs: book.appliedAtMs, endedAtMs: span.startedAtMs });
    }
    book.keys.add(span.key);
    book.waiting.push(span);
  }

  /** True if the instance's work was seen to begin. */
  knows(name: string, instance: string): boolean {
    return this.#books.get(name)?.marks.has(instance) === true;
  }

  /** Work on an instance begins now, unless it has. */
  begin(name: string, instance: string): void {
    const marks = this.#books.get(name)?.marks;
    if (marks !== undefined && !marks.has(instance) && marks.size < SPANS_MAX) {
      marks.set(instance, this.#clock.now());
    }
  }

  /** The work on an instance that `phase` names is over now. */
  reached(name: string, instance: string, phase: string): void {
    const book = this.#books.get(name);
    const startedAtMs = book?.marks.get(instance);
    const key = `${phase} ${instance}`;
    if (book === undefined || startedAtMs === undefined || book.keys.has(key)) return;
    const endedAtMs = this.#clock.now();
    book.marks.set(instance, endedAtMs);
    this.add(name, { key, name: phase, detail: instance, startedAtMs, endedAtMs, failed: false });
  }

  /** Hands over the spans that were not sent yet; when that fails they are kept for the next time. */
  async sent<T>(name: string, send: (spans: readonly StartSpan[]) => Promise<T>): Promise<T> {
    const book = this.#books.get(name);
    const spans = book?.waiting.splice(0) ?? [];
    try {
      return await send(spans);
    } catch (error) {
      book?.waiting.unshift(...spans);
      throw error;
    }
  }

  /** The deployment is gone. */
  forget(name: string): void {
    this.#books.delete(name);
  }
}
