/** Numbers the changes of a workspace's objects, of which it sees the marks. */
import { newDnsName } from "../../../../pkg/uid/mod.ts";
import type { WorkspaceHead } from "../../internal/store/mod.ts";

/** Up to where a client has the changes. */
export interface WorkspacePosition {
  readonly epoch: string;
  readonly sequence: number;
}

export interface ChangesAfter extends WorkspacePosition {
  /** The position that was asked for is not known: anything may have changed. */
  readonly all: boolean;
  readonly changes: readonly WorkspaceHead[];
}

interface Changed {
  readonly sequence: number;
  readonly head: WorkspaceHead;
}

const EPOCH_CHARACTERS = 12;
const CHANGES_MAX = 2_000;

/** The last change of each object, up to 2,000 of them. */
export class WorkspaceLog {
  readonly #epoch = newDnsName(EPOCH_CHARACTERS);
  readonly #changesMax: number;
  /** 0: nothing has been seen yet. */
  #sequence = 0;
  /** Changes up to this sequence are not all known. */
  #floor = 1;
  #heads: ReadonlyMap<string, WorkspaceHead> = new Map();
  /** In the order of their sequence. */
  readonly #changed = new Map<string, Changed>();

  constructor(changesMax = CHANGES_MAX) {
    this.#changesMax = changesMax;
  }

  get sequence(): number {
    return this.#sequence;
  }

  /** Takes all objects as they are now. True if any has changed, and with the first ones. */
  take(heads: readonly WorkspaceHead[]): boolean {
    const before = this.#heads;
    const now = new Map(heads.map((head) => [`${head.object} ${head.id}`, head]));
    this.#heads = now;
    if (this.#sequence === 0) {
      this.#sequence = 1;
      return true;
    }
    const changed = [...now].filter(([key, { mark }]) => before.get(key)?.mark !== mark);
    const gone = [...before].filter(([key]) => !now.has(key));
    if (changed.length + gone.length === 0) return false;
    const sequence = ++this.#sequence;
    for (const [key, head] of [...changed, ...gone]) {
      this.#changed.delete(key);
      this.#changed.set(key, { sequence, head });
    }
    for (const [key, each] of this.#changed) {
      if (this.#changed.size <= this.#changesMax) break;
      this.#changed.delete(key);
      this.#floor = each.sequence;
    }
    return true;
  }

  /** The changes after a position; `undefined` before the first objects have been seen. */
  after({ epoch, sequence }: WorkspacePosition): ChangesAfter | undefined {
    if (this.#sequence === 0) return undefined;
    const position = { epoch: this.#epoch, sequence: this.#sequence };
    const isKnown = epoch === this.#epoch && sequence >= this.#floor && sequence <= this.#sequence;
    if (!isKnown) return { ...position, all: true, changes: [] };
    const later = [...this.#changed.values()].filter((each) => each.sequence > sequence);
    return { ...position, all: false, changes: later.map(({ head }) => head) };
  }
}
