/** Memory and processor time of processes, and counters of the database, over time. */
import { residentMib } from "../memory.ts";
import type { DatabaseCounters, MeasuredDatabase } from "./measured_database.ts";

/** One look at all of them. */
export interface Sample {
  /** Since the start of the load. */
  readonly atMs: number;
  readonly residentMib: Readonly<Record<string, number>>;
  /** Seconds of processor time since the start of each process. */
  readonly processorS: Readonly<Record<string, number>>;
  readonly database: DatabaseCounters;
}

/** Statements of the sampler itself: it logs in, asks and logs out. */
const OWN_STATEMENTS = 2;
/** Of the kernel: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
const TICKS_PER_SECOND = 100;

export interface SamplerOptions {
  readonly pids: Readonly<Record<string, number>>;
  readonly database: MeasuredDatabase;
  readonly everyMs: number;
  /** Statements that the measurement itself has made so far. */
  readonly ownStatements: () => number;
}

export class Sampler {
  readonly samples: Sample[] = [];
  readonly #options: SamplerOptions;
  readonly #beganAt = performance.now();
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: SamplerOptions) {
    this.#options = options;
  }

  /** Looks at once, and then at an interval until `stop`. */
  async start(): Promise<void> {
    await this.#look();
    this.#running = this.#run();
    this.#running.catch(() => undefined); // seen by `stop`
  }

  /** Looks once more. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#look();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await pause(this.#options.everyMs, signal);
      if (!signal.aborted) await this.#look();
    }
  }

  async #look(): Promise<void> {
    const { pids, database, ownStatements } = this.#options;
    const own = (this.samples.length + 1) * OWN_STATEMENTS + ownStatements();
    const [memory, time] = [new Map<string, number>(), new Map<string, number>()];
    for (const [name, pid] of Object.entries(pids)) {
      memory.set(name, await residentMib(pid));
      time.set(name, await processorS(pid));
    }
    const counters = await database.counters();
    this.samples.push({
      atMs: performance.now() - this.#beganAt,
      residentMib: Object.fromEntries(memory),
      processorS: Object.fromEntries(time),
      database: { ...counters, statements: counters.statements - own },
    });
  }
}

async function processorS(pid: number): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/stat`);
  // The name of the program, in brackets, may hold blanks.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [user, system] = [Number(fields[11]), Number(fields[12])];
  return (user + system) / TICKS_PER_SECOND;
}

/** Waits, at most until the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted || ms <= 0) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
