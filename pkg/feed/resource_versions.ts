/** Removed resources that are remembered, so that an older change does not bring them back. */
const REMOVED_MAX = 10_000;

/** The newest version that was taken of each resource, so that none goes back to an older state. */
export class ResourceVersions {
  readonly #versions = new Map<string, number>();
  /** In the order of removal. */
  readonly #removed = new Set<string>();

  /** Returns false for a change that is older than the known state. */
  take(resource: string, version: number, removes: boolean): boolean {
    const known = this.#versions.get(resource) ?? 0;
    if (version !== 0 && version < known) return false;
    this.#set(resource, Math.max(version, known), removes);
    return true;
  }

  /** Every other known resource was removed by the snapshot of this version. */
  keepOnly(kept: ReadonlySet<string>, version: number): void {
    for (const resource of [...this.#versions.keys()]) {
      if (!kept.has(resource)) this.#set(resource, version, true);
    }
  }

  clear(): void {
    this.#versions.clear();
    this.#removed.clear();
  }

  #set(resource: string, version: number, removed: boolean): void {
    this.#versions.set(resource, version);
    this.#removed.delete(resource);
    if (!removed) return;
    this.#removed.add(resource);
    const [oldest] = this.#removed;
    if (this.#removed.size <= REMOVED_MAX || oldest === undefined) return;
    this.#removed.delete(oldest);
    this.#versions.delete(oldest);
  }
}
