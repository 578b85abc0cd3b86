/** The work of a command before it asks for a deployment, for the deployment's trace. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Process } from "../../../pkg/cli/mod.ts";
import type { ClientTraceSchema, ReportedSpanSchema } from "../../../proto/gen/ctrl/v1/trace_pb.ts";

type Machine = Pick<Process, "clock" | "env" | "startedAtMs">;

/** W3C Trace Context, as tools of CI give it to the programs that they start. */
const TRACE_PARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}/;

/** Takes times in the order of the work. */
export class ClientTrace {
  readonly #process: Machine;
  readonly #spans: MessageInitShape<typeof ReportedSpanSchema>[] = [];

  constructor(process: Machine) {
    this.#process = process;
  }

  /** Adds work that is over now. */
  add(name: string, startedAtMs: number, detail = ""): void {
    this.#spans.push({
      key: `${name} ${this.#spans.length}`,
      name,
      detail,
      startedAt: BigInt(Math.round(startedAtMs)),
      endedAt: BigInt(Math.round(this.#process.clock.now())),
    });
  }

  /** Does `work`, and adds it. */
  async during<T>(name: string, work: () => Promise<T>): Promise<T> {
    const startedAtMs = this.#process.clock.now();
    const result = await work();
    this.add(name, startedAtMs);
    return result;
  }

  /** The message that is sent now. */
  message(): MessageInitShape<typeof ClientTraceSchema> {
    const { clock, startedAtMs } = this.#process;
    return {
      startedAt: BigInt(Math.round(startedAtMs)),
      sentAt: BigInt(Math.round(clock.now())),
      spans: [...this.#spans],
    };
  }

  /** The header that makes the deploy a part of the trace in which the command runs. */
  get headers(): Readonly<Record<string, string>> {
    const parent = this.#process.env("TRACEPARENT") ?? "";
    return TRACE_PARENT.test(parent) ? { traceparent: parent } : {};
  }
}
