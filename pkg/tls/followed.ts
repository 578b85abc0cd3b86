import type { Clock } from "../clock/mod.ts";
import { describeError, Fault } from "../fault/mod.ts";
import type { Logger } from "../logger/mod.ts";
import { type NamedFile, readPem } from "./files.ts";

/** The process that files are read in. */
export interface FilesProcess {
  readonly clock: Clock;
  readonly log: Logger;
}

const LOOK_EVERY_MS = 2_000;

/**
 * The content of files, read again when it changes. Files that cannot be used, also a certificate whose key is not there yet,
 * leave the former value in place.
 */
export class FollowedFiles<T> {
  readonly #files: readonly NamedFile[];
  readonly #make: (texts: readonly string[]) => T;
  readonly #process: FilesProcess;
  #texts: readonly string[];
  #value: T;

  private constructor(
    { files, make }: { readonly files: readonly NamedFile[]; readonly make: (texts: readonly string[]) => T },
    process: FilesProcess,
    texts: readonly string[],
  ) {
    this.#files = files;
    this.#make = make;
    this.#process = process;
    this.#texts = texts;
    this.#value = make(texts);
  }

  /** @throws what `make` does, or `failed_precondition` when a file cannot be read */
  static async open<T>(
    of: { readonly files: readonly NamedFile[]; readonly make: (texts: readonly string[]) => T },
    process: FilesProcess,
  ): Promise<FollowedFiles<T>> {
    return new FollowedFiles(of, process, await Promise.all(of.files.map(readPem)));
  }

  get value(): T {
    return this.#value;
  }

  /** Looks at the files until `signal` aborts; `changed` is called with each value after the first. */
  async follow(changed: (value: T) => void, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#process;
    const paths = this.#files.map(({ path }) => path);
    let failure = "";
    let before = this.#texts;
    while (!signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
      if (signal.aborted || paths.length === 0) continue;
      try {
        const texts = await Promise.all(this.#files.map(readPem));
        // A file that is being written has only a part of its content.
        const rests = isSame(texts, before);
        before = texts;
        if (!rests || isSame(texts, this.#texts)) continue;
        this.#value = this.#make(texts);
        this.#texts = texts;
        failure = "";
        changed(this.#value);
        log.info("files of TLS were read again", { paths });
      } catch (error) {
        const why = error instanceof Fault ? error.message : describeError(error);
        if (why !== failure) {
          log.warn("changed files of TLS cannot be used: the former ones stay", { paths, why });
        }
        failure = why;
      }
    }
  }
}

function isSame(texts: readonly string[], others: readonly string[]): boolean {
  return texts.every((text, at) => text === others[at]);
}
