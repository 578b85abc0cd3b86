/** The world around the store of build contexts: time, chance, files and objects. */
import { Buffer } from "node:buffer";
import type { Clock } from "../../pkg/clock/mod.ts";
import type { ObjectStore } from "../../pkg/objectstore/mod.ts";

/** Few contents, so that trees share chunks. */
const CONTENTS = 24;
const FILES_MAX = 8;

export class ContentWorld {
  #state: number;
  #nowMs = 1_760_000_000_000;
  readonly #objects = new Map<string, Uint8Array>();

  constructor(seed: number) {
    this.#state = seed;
  }

  readonly clock: Clock = { now: () => this.#nowMs, sleep: () => Promise.resolve() };

  /** Objects in memory; one delete of ten fails. */
  readonly objects: ObjectStore = {
    presignPut: (key) => Promise.resolve({ url: key, headers: {} }),
    // A missing object leads to a port that does not answer.
    presignGet: (key) => {
      const bytes = this.#objects.get(key);
      if (bytes === undefined) return Promise.resolve("http://127.0.0.1:1/");
      return Promise.resolve(`data:application/octet-stream;base64,${Buffer.from(bytes).toString("base64")}`);
    },
    head: (key) => {
      const bytes = this.#objects.get(key);
      return Promise.resolve(bytes === undefined ? undefined : { sizeBytes: bytes.length });
    },
    delete: (key) => {
      if (this.below(10) === 0) return Promise.reject(new Error("the store is down"));
      this.#objects.delete(key);
      return Promise.resolve();
    },
  };

  /** A number from 0 to `end` - 1 (mulberry32). */
  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % end;
  }

  pick<T>(values: readonly [T, ...T[]]): T;
  pick<T>(values: readonly T[]): T | undefined;
  pick<T>(values: readonly T[]): T | undefined {
    return values.length === 0 ? undefined : values[this.below(values.length)];
  }

  pass(ms: number): void {
    this.#nowMs += ms;
  }

  /** A small tree in the order of the walk. */
  files(): Readonly<Record<string, string>> {
    const count = 1 + this.below(FILES_MAX);
    return Object.fromEntries(
      Array.from({ length: count }, (_, index) => [`f${index}`, `content ${this.below(CONTENTS)}`]),
    );
  }

  /** Up to three packs. */
  split<T>(values: readonly T[]): readonly (readonly T[])[] {
    const parts: T[][] = [[], [], []];
    for (const value of values) parts[this.below(parts.length)]?.push(value);
    return parts;
  }

  put(key: string, bytes: Uint8Array): void {
    this.#objects.set(key, bytes);
  }

  keys(): readonly string[] {
    return [...this.#objects.keys()];
  }
}
