/** Reads on a copy of the database that follows it. */
import { type Kysely, sql } from "kysely";
import type { Clock } from "../clock/mod.ts";
import { describeError, Fault, isFault } from "../fault/mod.ts";
import type { Logger } from "../logger/mod.ts";
import type { Database } from "./open.ts";
import { type Positions, positionsOf } from "./replica_position.ts";

/** A read that waits longer than this for the replica goes to the primary. */
const LAG_MS_MAX = 250;
/** After a failure, one read in this time tries the replica again. */
const AWAY_MS = 10_000;

export interface ReplicaOptions<S> {
  readonly primary: Database<S>;
  readonly replica: Database<S>;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The primary, whose `read` goes to the replica: a read sees everything that was committed before it began, by any process. For
 * that the primary is asked for its position, one question for all reads that wait, and the replica's connection waits
 * until it has reached it.
 */
export function withReplica<S>(options: ReplicaOptions<S>): Database<S> {
  const { primary, replica } = options;
  const reads = new ReplicaReads(options);
  return {
    ...primary,
    read: (fn) => reads.read(fn),
    async close(): Promise<void> {
      await replica.close();
      await primary.close();
    },
  };
}

class ReplicaReads<S> {
  readonly #options: ReplicaOptions<S>;
  readonly #position: Shared<{ readonly kind: Positions; readonly text: string }>;
  #kind: Positions | undefined;
  #awayUntilMs = 0;
  #isAway = false;

  constructor(options: ReplicaOptions<S>) {
    this.#options = options;
    this.#position = new Shared(() => this.#ask());
  }

  async read<T>(fn: (db: Kysely<S>) => Promise<T>): Promise<T> {
    const { primary, replica, clock } = this.#options;
    primary.scope.assertOutside();
    const nowMs = clock.now();
    if (nowMs < this.#awayUntilMs) return await fn(primary.kysely);
    // While the replica is away, only this read tries it.
    if (this.#isAway) this.#awayUntilMs = nowMs + AWAY_MS;
    const { kind, text } = await this.#position.get();
    try {
      const answer = await replica.kysely.connection().execute(async (connection) => {
        await reach(connection, { kind, text });
        return await fn(connection);
      });
      this.#back();
      return answer;
    } catch (error) {
      if (!isFault(error, "unavailable") && !isFault(error, "failed_precondition")) throw error;
      this.#away(error);
      return await fn(primary.kysely);
    }
  }

  async #ask(): Promise<{ kind: Positions; text: string }> {
    const { kysely } = this.#options.primary;
    this.#kind ??= await positionsOf(kysely);
    const { rows } = await sql<{ position: string }>`select ${sql.raw(this.#kind.variable)} as position`
      .execute(kysely);
    return { kind: this.#kind, text: rows[0]?.position ?? "" };
  }

  #away(error: unknown): void {
    const { clock, log } = this.#options;
    this.#awayUntilMs = clock.now() + AWAY_MS;
    if (this.#isAway) return;
    this.#isAway = true;
    log.warn("the replica is not read, the primary does all the work", { error: describeError(error) });
  }

  #back(): void {
    this.#awayUntilMs = 0;
    if (!this.#isAway) return;
    this.#isAway = false;
    this.#options.log.info("the replica is read again");
  }
}

async function reach<S>(
  connection: Kysely<S>,
  { kind, text }: { readonly kind: Positions; readonly text: string },
): Promise<void> {
  if (text === "") {
    throw new Fault(
      "failed_precondition",
      "the primary has no GTID position: it needs a binary log, and on MySQL gtid_mode = ON",
    );
  }
  const wait = sql.raw(kind.wait);
  const { rows } = await sql<{ reached: number | null }>`select ${wait}(${text}, ${LAG_MS_MAX / 1_000})
    as reached`.execute(connection);
  if (rows[0]?.reached === 0) return;
  throw new Fault("unavailable", `the replica is more than ${LAG_MS_MAX} ms behind`);
}

/** One question at a time, whose answer is never older than the call that gets it. */
class Shared<T> {
  readonly #ask: () => Promise<T>;
  #running: Promise<T> | undefined;
  #next: Promise<T> | undefined;

  constructor(ask: () => Promise<T>) {
    this.#ask = ask;
  }

  get(): Promise<T> {
    // The question that runs may have been answered before this call's own writes.
    if (this.#running === undefined) return this.#start();
    return this.#next ??= this.#running.then(() => this.#start(), () => this.#start());
  }

  #start(): Promise<T> {
    this.#next = undefined;
    const asked = this.#ask().finally(() => {
      if (this.#running === asked) this.#running = undefined;
    });
    this.#running = asked;
    return asked;
  }
}
