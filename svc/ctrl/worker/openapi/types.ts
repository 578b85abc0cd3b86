/** The effects of a look for a document as its workflow sees them, and the results of each. */

/** The place to ask at. `gone`: the deployment names no path, has no name, or is not there any more. */
export type Target =
  | { readonly kind: "gone" }
  | { readonly kind: "found"; readonly hostname: string; readonly path: string };

/** The place of one deployment. */
export interface Look {
  readonly deploymentId: string;
  readonly hostname: string;
  readonly path: string;
}

/** The answer of an app. */
export type Asked =
  | {
    readonly kind: "read";
    readonly body: Uint8Array;
    readonly version: string;
    readonly operations: number;
  }
  /** Asking again would not help. */
  | { readonly kind: "none"; readonly problem: string }
  /** The app, or the way to it, was not ready to answer. */
  | { readonly kind: "later"; readonly problem: string };

/** The end of one look. `moved`: the name leads to another deployment by now, so the document may be of that one. */
export type Looked =
  | { readonly kind: "stored" | "none" | "moved" }
  | { readonly kind: "later"; readonly problem: string };

/** The effects that the workflow orders. Each may run twice. */
export interface OpenApiSteps {
  find(deploymentId: string): Promise<Target>;
  /** Asks, and keeps a final answer: the journal is no place for documents. */
  look(look: Look, signal: AbortSignal): Promise<Looked>;
  /** Keeps the reason why there is no document. */
  giveUp(look: Look, problem: string): Promise<void>;
}
