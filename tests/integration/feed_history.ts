/**
 * A control plane whose history is generated from a seed, for one client of a watch stream: it commits, compacts, loses
 * connections, repeats messages, leaves messages of a snapshot out, stops the client, and is restored from a backup.
 *
 * The client drives it: each message that the client reads moves the history on.
 */
import { Fault } from "../../pkg/fault/mod.ts";
import type { Dice } from "./feed_chaos.ts";

/** A message before it has the shape of one protocol. `value` grows with every commit. */
export type HistoryEvent =
  | {
    readonly kind: "set";
    readonly version: number;
    readonly id: string;
    readonly value: number;
    readonly inSnapshot: boolean;
  }
  | { readonly kind: "gone"; readonly version: number; readonly id: string }
  | { readonly kind: "problem"; readonly version: number; readonly id: string }
  | { readonly kind: "unknown" | "heartbeat"; readonly version: number }
  | { readonly kind: "snapshot_end"; readonly version: number; readonly resources: number };

/** The client under test. */
export interface HistoryClient {
  readonly cursor: number;
  /** The applied state by resource. */
  held(): ReadonlyMap<string, number>;
  /** Lets some of the work under way end. */
  work(): void;
  /** Ends the client's process. */
  kill(): void;
}

interface Change {
  readonly version: number;
  readonly id: string;
  readonly value: number;
  readonly isGone: boolean;
}

const STEPS = 400;
const RESOURCES = 9;
/** An event happens once in so many rolls. */
const CUTS = 14;
const KILLS = 60;
const COMPACTIONS = 12;
const RESTORES = 50;
const REPEATS = 10;
const PROBLEMS = 30;
const UNKNOWNS = 30;
const SNAPSHOT_LOSSES = 5;
/** A resource of a kind that the clients do not know. */
const UNKNOWN = "unknown";
const RESTORED_VERSIONS_MAX = 40;

export class History {
  readonly problems: string[] = [];
  readonly counts = { cuts: 0, kills: 0, compactions: 0, restores: 0, snapshots: 0, losses: 0 };
  readonly #roll: Dice;
  /** Everything that happened, also what was compacted. */
  #log: Change[] = [];
  #compactedUpTo = 0;
  #value = 0;
  #steps = STEPS;
  /** No commit before the client could find out: a server that has passed the client again looks like the old one. */
  #isRestoreUnseen = false;
  /** States of the lost history may still be replaced by older ones. */
  #mayGoBack = false;
  /** Resources whose state could not be read; each gets a new change later. */
  readonly #unreadable = new Set<string>();
  readonly #unreadableVersions = new Set<string>();
  #held: ReadonlyMap<string, number> = new Map();

  constructor(roll: Dice) {
    this.#roll = roll;
  }

  get version(): number {
    return this.#log.length;
  }

  get isOver(): boolean {
    return this.#steps <= 0;
  }

  /** The state that every client must end with. */
  get state(): ReadonlyMap<string, number> {
    const state = new Map([...this.#stateAt(this.version)].map(([id, { value }]) => [id, value]));
    state.delete(UNKNOWN);
    return state;
  }

  /** One connection of the client. */
  async *stream(cursor: number, client: HistoryClient, signal: AbortSignal): AsyncGenerator<HistoryEvent> {
    for await (const event of this.#events(cursor, signal)) {
      yield event;
      client.work();
      this.#check(client);
      if (this.isOver) continue;
      if (this.#roll(CUTS) === 0) {
        this.counts.cuts++;
        throw new Fault("unavailable", "the connection was cut");
      }
      if (this.#roll(KILLS) === 0) {
        this.counts.kills++;
        return client.kill();
      }
    }
  }

  async *#events(cursor: number, signal: AbortSignal): AsyncGenerator<HistoryEvent> {
    let at = cursor;
    const sent: HistoryEvent[] = [];
    if (cursor === 0 || cursor > this.version || cursor < this.#compactedUpTo) {
      const version = this.version;
      yield* this.#snapshot();
      at = version;
    }
    while (!signal.aborted) {
      const { restores } = this.counts;
      this.#step();
      if (restores !== this.counts.restores) throw new Fault("unavailable", "the server is restored");
      if (at === this.version) {
        this.#isRestoreUnseen = false;
        yield { kind: "heartbeat", version: at };
        // Nothing more happens. The client may still work.
        if (this.isOver) await new Promise((resolve) => setTimeout(resolve, 1));
        continue;
      }
      if (at < this.#compactedUpTo) throw new Fault("unavailable", "compacted");
      const to = at + 1 + this.#roll(this.version - at);
      for (const event of this.#batch(at, to)) {
        yield event;
        sent.push(event);
        const repeated = sent[this.#roll(sent.length)];
        if (this.#roll(REPEATS) === 0 && repeated !== undefined) yield repeated;
      }
      at = to;
    }
  }

  /** The latest state at `to` of each resource that changed after `after`. */
  *#batch(after: number, to: number): Generator<HistoryEvent> {
    const last = new Map<string, Change>();
    for (const change of this.#log.slice(after, to)) last.set(change.id, change);
    for (const change of [...last.values()].toSorted((a, b) => a.version - b.version)) {
      const { id, version } = change;
      if (change.isGone) yield { kind: "gone", version, id };
      else yield this.#setOrProblem(change, false);
    }
  }

  *#snapshot(): Generator<HistoryEvent> {
    this.counts.snapshots++;
    const { version } = this;
    const changes = [...this.#stateAt(version).values()];
    const events = changes.map((change) => this.#setOrProblem(change, true));
    const lost = this.#roll(SNAPSHOT_LOSSES) === 0 && !this.isOver ? this.#roll(events.length + 1) : -1;
    for (const [n, event] of events.entries()) {
      if (n === lost) {
        this.counts.losses++;
        // A repeated message must not stand for a lost one.
        const other = events[n === 0 ? 1 : 0];
        if (other !== undefined && other.kind !== "unknown") yield other;
        continue;
      }
      yield event;
      if (this.#roll(REPEATS) === 0 && event.kind !== "unknown") yield event;
    }
    if (lost < 0 || lost === events.length) this.#isRestoreUnseen = false;
    yield { kind: "snapshot_end", version, resources: events.length };
  }

  #setOrProblem({ id, value, version }: Change, inSnapshot: boolean): HistoryEvent {
    if (id === UNKNOWN) return { kind: "unknown", version };
    if (this.isOver || this.#roll(PROBLEMS) > 0) return { kind: "set", version, id, value, inSnapshot };
    this.#unreadable.add(id);
    this.#unreadableVersions.add(`${id} ${version}`);
    return { kind: "problem", version, id };
  }

  #step(): void {
    if (this.#isRestoreUnseen || this.isOver) return;
    this.#steps--;
    for (const id of this.#unreadable) this.#commit(id, this.#stateAt(this.version).get(id) === undefined);
    this.#unreadable.clear();
    for (let n = this.#roll(4); n > 0 && !this.isOver; n--) {
      this.#commit(`r${this.#roll(RESOURCES)}`, this.#roll(4) === 0);
    }
    if (this.#roll(UNKNOWNS) === 0) this.#commit(UNKNOWN, false);
    if (this.#roll(COMPACTIONS) === 0) {
      this.counts.compactions++;
      this.#compactedUpTo = Math.max(this.#compactedUpTo, this.version - this.#roll(4));
    }
    if (!this.isOver && this.version > 0 && this.#roll(RESTORES) === 0) this.#restore();
  }

  #commit(id: string, isGone: boolean): void {
    this.#log.push({ version: this.version + 1, id, value: ++this.#value, isGone });
  }

  #restore(): void {
    this.counts.restores++;
    this.#log.length = Math.max(0, this.version - 1 - this.#roll(RESTORED_VERSIONS_MAX));
    this.#compactedUpTo = Math.min(this.#compactedUpTo, this.version);
    this.#isRestoreUnseen = true;
    this.#mayGoBack = true;
  }

  #stateAt(version: number): Map<string, Change> {
    const state = new Map<string, Change>();
    for (const change of this.#log.slice(0, version)) {
      if (change.isGone) state.delete(change.id);
      else state.set(change.id, change);
    }
    return state;
  }

  /** Holds after every message. */
  #check(client: HistoryClient): void {
    const held = new Map(client.held());
    if (this.#mayGoBack) {
      this.#mayGoBack = this.#isRestoreUnseen || client.cursor !== this.version ||
        !isEqual(held, this.state);
    } else {
      for (const [id, value] of held) {
        const before = this.#held.get(id) ?? 0;
        if (value < before) this.problems.push(`${id} went back from ${before} to ${value}`);
      }
      this.#checkCursor(client.cursor, held);
    }
    this.#held = held;
  }

  /** The cursor passes only changes that were applied, or that a later change replaces. */
  #checkCursor(cursor: number, held: ReadonlyMap<string, number>): void {
    const toCome = new Set(this.#log.slice(cursor).map(({ id }) => id));
    const last = new Map(this.#log.slice(0, cursor).map((change) => [change.id, change]));
    for (const { id, value, version, isGone } of last.values()) {
      if (id === UNKNOWN || toCome.has(id) || this.#unreadableVersions.has(`${id} ${version}`)) continue;
      const has = held.get(id);
      if (has === (isGone ? undefined : value)) continue;
      this.problems.push(`the cursor ${cursor} passed ${id} ${value}, which holds ${has}`);
    }
  }
}

function isEqual(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean {
  return a.size === b.size && [...a].every(([id, value]) => b.get(id) === value);
}
