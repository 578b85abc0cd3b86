/** The one stream of a tab: it says which objects have changed, and brings the output of one deployment along. */
import { type Client, Code, ConnectError } from "@connectrpc/connect";
import type {
  DeploymentService,
  WatchWorkspaceRequest,
  WatchWorkspaceResponse,
  WorkspaceChange,
} from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { pause, type Visibility, whileVisible } from "./visible.ts";

/** `undefined`: anything may have changed. */
export type Changes = readonly WorkspaceChange[] | undefined;

/** The output of a deployment, which goes on where it was cut. */
export interface FollowedOutput {
  /** The deployment, and the last of its output that is here. */
  position(): Pick<WatchWorkspaceRequest, "deploymentId" | "afterEvent" | "linesSince">;
  /** Takes a part of a stream that began at the last position asked for. */
  take(message: WatchWorkspaceResponse["message"]): void;
}

export interface LiveOptions {
  readonly deployments: Pick<Client<typeof DeploymentService>, "watchWorkspace">;
  readonly page: Visibility;
  /** The wait before a stream begins again, in milliseconds; after failures in a row it doubles, up to eight times it. */
  readonly againMs: number;
}

const LONGER_MAX = 8;
const NO_OUTPUT = { deploymentId: "", afterEvent: 0n, linesSince: 0n };

/** Open while it has listeners and the page is shown. Each stream goes on behind what the one before it has brought. */
export class Live {
  readonly #options: LiveOptions;
  readonly #listeners = new Set<(changes: Changes) => void>();
  #output: FollowedOutput | undefined;
  #position = { epoch: "", afterSequence: 0n };
  #stop: AbortController | undefined;
  #restart = new AbortController();

  constructor(options: LiveOptions) {
    this.#options = options;
  }

  /** Calls `listener` with changes until the function that it returns is called. */
  onChanges(listener: (changes: Changes) => void): () => void {
    this.#listeners.add(listener);
    if (this.#stop === undefined) this.#start();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#end();
    };
  }

  /** Brings the output of a deployment along, in place of another one's, until the function that it returns is called. */
  follow(output: FollowedOutput): () => void {
    this.#output = output;
    this.#restart.abort();
    return () => {
      if (this.#output !== output) return;
      this.#output = undefined;
      this.#restart.abort();
    };
  }

  #start(): void {
    const stop = new AbortController();
    this.#stop = stop;
    const run = (signal: AbortSignal): Promise<void> => this.#run(signal);
    whileVisible(this.#options.page, stop.signal, run).catch(() => this.#tell(undefined)).finally(() => {
      if (this.#stop === stop) this.#stop = undefined;
    });
  }

  #end(): void {
    this.#stop?.abort();
    this.#stop = undefined;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { againMs } = this.#options;
    for (let waitMs = againMs; !signal.aborted;) {
      this.#restart = new AbortController();
      const restart = this.#restart.signal;
      const either = AbortSignal.any([signal, restart]);
      const output = this.#output;
      try {
        await this.#read(output, either);
        waitMs = againMs;
      } catch (error) {
        if (!either.aborted && this.#isOver(error, output)) return;
        waitMs = Math.min(waitMs * 2, againMs * LONGER_MAX);
      }
      await pause(waitMs, either);
    }
  }

  async #read(output: FollowedOutput | undefined, signal: AbortSignal): Promise<void> {
    const request = { ...this.#position, ...(output?.position() ?? NO_OUTPUT) };
    for await (const { message } of this.#options.deployments.watchWorkspace(request, { signal })) {
      if (message.case !== "changes") {
        output?.take(message);
        continue;
      }
      const { epoch, sequence, all, changes } = message.value;
      this.#position = { epoch, afterSequence: sequence };
      if (all) this.#tell(undefined);
      else if (changes.length > 0) this.#tell(changes);
    }
  }

  /** True after a failure that a new stream does not mend. The pages read on, and show why. */
  #isOver(error: unknown, output: FollowedOutput | undefined): boolean {
    const { code } = ConnectError.from(error);
    if (output === this.#output && (code === Code.NotFound || code === Code.PermissionDenied)) {
      this.#output = undefined;
    }
    this.#tell(undefined);
    return code === Code.Unauthenticated;
  }

  #tell(changes: Changes): void {
    for (const listener of [...this.#listeners]) listener(changes);
  }
}
