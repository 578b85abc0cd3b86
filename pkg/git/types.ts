/** Access to the environment, which the process passes in. */
export interface GitOptions {
  readonly env: (name: string) => string | undefined;
  readonly signal: AbortSignal;
}
