/** The output of a deployment's instances. */
import type { Client } from "@connectrpc/connect";
import type { Clock } from "../../pkg/clock/mod.ts";
import { isFault, publicFault } from "../../pkg/fault/mod.ts";
import { backoffMs } from "../../pkg/retry/mod.ts";
import { fromConnectError } from "../../pkg/rpc/mod.ts";
import type { DeploymentService, InstanceLogLine } from "../../proto/gen/ctrl/v1/deployment_pb.ts";

import { readStream } from "./read_stream.ts";

/** The part of the output that is asked for; 0 and empty texts for no bound. */
export interface InstanceRange {
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly until: number;
  /** The beginning of the names of instances. */
  readonly instance: string;
  readonly region: string;
}

export interface InstanceLogOptions {
  readonly client: Client<typeof DeploymentService>;
  readonly deploymentId: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Lines at most of the output before now. */
  readonly tail: number;
  readonly range: InstanceRange;
  /** Go on until `signal` aborts. */
  readonly follow: boolean;
  readonly onLine: (line: InstanceLogLine) => void;
  readonly onNote: (text: string) => void;
}

/** Three of the server's heartbeats: a stream without a message for longer is dead. */
/** The most lines of output before now that one call gives. */
export const TAIL_MAX = 100_000;
const IDLE = { firstMsMax: 15_000, betweenMsMax: 15_000 };
/** Lines of an instance that cannot be reached come so much later than those of the others. */
const LATE_MS_MAX = 600_000;
const TROUBLE_FIRST_MS = 250;
const TROUBLE_MAX_MS = 5_000;

/** Hands over the lines, each once also when the stream breaks. @throws what no waiting mends */
export async function readInstanceLog(options: InstanceLogOptions): Promise<void> {
  const { clock, signal, tail, follow, onNote } = options;
  const { range } = options;
  if (!follow) return void await readOnce(options, { ...range, tail }, options.onLine);
  const printed = new PrintedLines();
  const show = (line: InstanceLogLine): void => {
    if (printed.add(line)) options.onLine(line);
  };
  for (let trouble = 0, from: Wanted = { ...range, tail };;) {
    printed.restart();
    const before = printed.count;
    try {
      await readOnce(options, from, show);
    } catch (error) {
      signal.throwIfAborted();
      const fault = fromConnectError(error);
      if (!isFault(fault, "unavailable", "deadline_exceeded")) throw fault;
      if (trouble === 1) onNote("the control plane does not answer; waiting for it");
    }
    if (printed.oldest !== undefined) {
      from = { ...range, since: Math.max(range.since, Number(printed.oldest) - LATE_MS_MAX), tail: TAIL_MAX };
    }
    trouble = printed.count > before ? 1 : trouble + 1;
    await clock.sleep(backoffMs(trouble, TROUBLE_FIRST_MS, TROUBLE_MAX_MS), signal);
  }
}

type Wanted = InstanceRange & { readonly tail: number };

async function readOnce(
  { client, deploymentId, follow, clock, signal }: InstanceLogOptions,
  { tail, since, until, instance, region }: Wanted,
  show: (line: InstanceLogLine) => void,
): Promise<void> {
  const end = await readStream(
    (idle) => {
      const range = { since: BigInt(since), until: BigInt(until), instance, region };
      return client.streamInstanceLogs({ deploymentId, follow, tail, ...range }, { signal: idle });
    },
    { clock, signal, limits: IDLE },
    ({ message }) => {
      if (message.case === "line") show(message.value);
    },
  );
  if (end === "idle") throw publicFault("deadline_exceeded", "the stream of lines stood still");
}

interface Mark {
  readonly time: bigint;
  /** The number of times that each text came in this millisecond. */
  readonly counts: Map<string, number>;
}

/** Which lines were printed: per instance they come in the order of time, so the last millisecond of each is enough. */
export class PrintedLines {
  readonly #marks = new Map<string, Mark>();
  #again = new Map<string, Map<string, number>>();
  #first: bigint | undefined;
  count = 0;

  /** The earliest of the last times of the instances. */
  get oldest(): bigint | undefined {
    let oldest: bigint | undefined;
    for (const { time } of this.#marks.values()) if (oldest === undefined || time < oldest) oldest = time;
    return oldest;
  }

  /** The stream begins anew, with lines that may have been printed. */
  restart(): void {
    this.#again = new Map([...this.#marks].map(([key, { counts }]) => [key, new Map(counts)]));
  }

  /** Returns true for a new line. */
  add(line: InstanceLogLine): boolean {
    const key = `${line.region}/${line.instance}`;
    const mark = this.#marks.get(key);
    this.#first ??= line.time;
    // Of an instance that printed nothing since we listen, older lines were left out on purpose.
    if (line.time < (mark?.time ?? this.#first)) return false;
    const text = `${line.stream} ${line.text}`;
    if (mark?.time === line.time) {
      const again = this.#again.get(key)?.get(text) ?? 0;
      if (again > 0) {
        this.#again.get(key)?.set(text, again - 1);
        return false;
      }
      mark.counts.set(text, (mark.counts.get(text) ?? 0) + 1);
    } else {
      this.#marks.set(key, { time: line.time, counts: new Map([[text, 1]]) });
      this.#again.delete(key);
    }
    this.count++;
    return true;
  }
}
