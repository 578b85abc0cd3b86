/** The sentinels' stream of a control plane in a test. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  ApplySentinelSchema,
  ReportSentinelStatusRequest,
  SentinelStateSchema,
} from "../../proto/gen/ctrl/v1/cluster_pb.ts";

export type Sentinel = MessageInitShape<typeof ApplySentinelSchema>;
type Message = MessageInitShape<typeof SentinelStateSchema>;

/** Desired sentinels for every stream: a snapshot when it opens, then the changes. */
export class SentinelFeed {
  readonly reports: ReportSentinelStatusRequest[] = [];
  readonly #live = new Map<string, Message>();
  readonly #streams = new Set<(message: Message) => void>();
  #version = 0;

  apply(version: number, sentinel: Sentinel): void {
    const message: Message = { version: BigInt(version), state: { case: "apply", value: sentinel } };
    this.#live.set(sentinel.k8sName ?? "", message);
    this.#send(version, message);
  }

  delete(version: number, k8sName: string): void {
    this.#live.delete(k8sName);
    this.#send(version, { version: BigInt(version), state: { case: "delete", value: { k8sName } } });
  }

  /** The region has come to this version by something else. */
  reached(version: number): void {
    if (version > this.#version) this.#send(version, heartbeat(version));
  }

  /** The newest report about a sentinel. */
  latest(k8sName: string): ReportSentinelStatusRequest | undefined {
    return this.reports.filter((each) => each.k8sName === k8sName)
      .toSorted((a, b) => Number(b.generation - a.generation))[0];
  }

  async *stream(signal: AbortSignal): AsyncGenerator<Message> {
    const queue: Message[] = [];
    let wake = (): void => undefined;
    const listener = (message: Message): void => {
      queue.push(message);
      wake();
    };
    signal.addEventListener("abort", () => wake(), { once: true });
    this.#streams.add(listener);
    try {
      // A region in which nothing has happened yet has no version to resume from.
      if (this.#version > 0) queue.unshift(...this.#snapshot());
      let begun = queue.length > 0;
      while (!signal.aborted) {
        const next = queue.shift();
        if (next === undefined) await new Promise<void>((resolve) => wake = resolve);
        else if (begun) yield next;
        else {
          begun = true;
          queue.length = 0;
          yield* this.#snapshot();
        }
      }
    } finally {
      this.#streams.delete(listener);
    }
  }

  #snapshot(): Message[] {
    const value = { resources: this.#live.size };
    return [...this.#live.values(), {
      version: BigInt(this.#version),
      state: { case: "snapshotEnd", value },
    }];
  }

  #send(version: number, message: Message): void {
    this.#version = Math.max(this.#version, version);
    for (const listener of this.#streams) listener(message);
  }
}

function heartbeat(version: number): Message {
  return { version: BigInt(version), state: { case: "heartbeat", value: {} } };
}
