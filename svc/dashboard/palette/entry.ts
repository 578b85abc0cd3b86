/** An entry of the palette. */
export interface Entry {
  readonly kind: "act" | "page" | "environment" | "deployment";
  readonly title: string;
  /** The same in a terminal. */
  readonly command: string;
  readonly does: { readonly kind: "go"; readonly path: string } | {
    readonly kind: "run";
    readonly run: () => void;
  };
}
