import { type Process, resultEvent } from "../../../pkg/cli/mod.ts";
import type { DeploymentEvent } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { statusName } from "../deployment_view.ts";
import { jsonLine } from "../output.ts";
import type { DeployResult } from "./result.ts";

/** An event in the output of `--output ndjson`. `time` is in milliseconds since the epoch. */
export type EventJson =
  & { readonly time: number }
  & (
    | { readonly kind: "created"; readonly id: string }
    | { readonly kind: "status"; readonly status: string; readonly urls?: readonly string[] }
    /** `status` is running, done or failed. */
    | { readonly kind: "step"; readonly step: string; readonly status: string; readonly message: string }
    | { readonly kind: "log"; readonly source: string; readonly origin: string; readonly text: string }
    | { readonly kind: "notice"; readonly message: string }
    | { readonly kind: "result" } & DeployResult
  );

/** The events of a deployment on standard output, one JSON object a line, as they happen. */
export class EventLines {
  readonly #process: Pick<Process, "stdout" | "clock">;

  constructor(process: Pick<Process, "stdout" | "clock">) {
    this.#process = process;
  }

  created(id: string): void {
    this.#print({ kind: "created", time: this.#process.clock.now(), id });
  }

  notice(message: string): void {
    this.#print({ kind: "notice", time: this.#process.clock.now(), message });
  }

  result(result: DeployResult): void {
    this.#print({ ...resultEvent(this.#process), ...result });
  }

  /** An event of the control plane, at its time. */
  event({ createdAt, payload }: DeploymentEvent): void {
    const time = Number(createdAt);
    switch (payload.case) {
      case "status": {
        const { status, urls } = payload.value;
        const known = urls.length === 0 ? {} : { urls };
        return this.#print({ kind: "status", time, status: statusName(status), ...known });
      }
      case "step": {
        const { name: step, status, message } = payload.value;
        return this.#print({ kind: "step", time, step, status, message });
      }
      case "log": {
        const { source, origin, lines } = payload.value;
        for (const text of lines) this.#print({ kind: "log", time, source, origin, text });
        return;
      }
      case "notice":
        return this.#print({ kind: "notice", time, message: payload.value.message });
      case undefined:
        return;
    }
  }

  #print(event: EventJson): void {
    this.#process.stdout(jsonLine(event));
  }
}
