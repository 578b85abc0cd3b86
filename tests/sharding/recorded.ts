/** One statement as a connection sent it. */
export interface RecordedStatement {
  readonly connection: string;
  readonly sql: string;
  readonly values: readonly unknown[];
  /** File and function of the store; empty: of a test, or of the driver itself. */
  readonly source: string;
}
