export type Outcome = "ok" | "warning" | "failed";

/** The result of a probe. */
export interface Finding {
  readonly outcome: Outcome;
  /** One sentence. */
  readonly text: string;
  /** Steps that solve the problem; absent without one. */
  readonly advice?: string;
}

/** One question to one part. */
export interface Probe {
  /** Unique among the probes of a command, e.g. `restate admin`. */
  readonly subject: string;
  /** For failures whose text has no advice. */
  readonly advice: string;
  /** Rejects when the part does not answer, or refuses. */
  readonly ask: (signal: AbortSignal) => Promise<Finding>;
}

export function ok(text: string): Finding {
  return { outcome: "ok", text };
}

/** The process starts, but something will not work. */
export function warning(text: string, advice: string): Finding {
  return { outcome: "warning", text, advice };
}

export function failed(text: string, advice: string): Finding {
  return { outcome: "failed", text, advice };
}
