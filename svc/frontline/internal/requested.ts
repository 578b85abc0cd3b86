/** A deployment is named at most once in this time, so that a busy one costs few writes. */
const EVERY_MS = 30_000;
/** The control plane takes no more at once. */
const NAMED_MAX = 2_000;

/** Deployments that got requests which the control plane does not know of: unused previews are stopped. */
export class RequestedDeployments {
  readonly #waiting = new Set<string>();
  readonly #namedAtMs = new Map<string, number>();

  /** A request goes to the deployment. */
  note(deploymentId: string): void {
    this.#waiting.add(deploymentId);
  }

  /** Those to name now; `failed` takes them back. */
  take(nowMs: number): readonly string[] {
    for (const [id, atMs] of this.#namedAtMs) if (nowMs - atMs >= EVERY_MS) this.#namedAtMs.delete(id);
    const due = [...this.#waiting].filter((id) => !this.#namedAtMs.has(id)).slice(0, NAMED_MAX);
    for (const id of due) {
      this.#waiting.delete(id);
      this.#namedAtMs.set(id, nowMs);
    }
    return due;
  }

  /** The control plane did not get these. */
  failed(ids: readonly string[]): void {
    for (const id of ids) {
      this.#namedAtMs.delete(id);
      this.#waiting.add(id);
    }
  }
}
