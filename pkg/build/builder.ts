import type { RegistryCredentials } from "../registry/mod.ts";
import type { ContextTree } from "./context/tree.ts";

/** One build. */
export interface BuildRequest {
  /** The files that `COPY` and `ADD` see. */
  readonly context: ContextTree;
  readonly dockerfile: Dockerfile;
  /** Name and tag of the image. */
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly options: BuildOptions;
  /** Content by the id that `RUN --mount=type=secret` names; `undefined`: there is none. */
  readonly secrets: (id: string) => Promise<Uint8Array | undefined>;
  /** Credentials for a registry as BuildKit names it, e.g. `docker.io`; `undefined`: without credentials. */
  readonly credentials: (host: string) => Promise<RegistryCredentials | undefined>;
  /** The project that is built, for builders that keep projects apart. */
  readonly projectId: string;
  /** Builds of the same key synchronize only what changed between them; one key per project. */
  readonly contextKey: string;
  /** Builds share what `RUN --mount=type=cache` keeps with those of the same name only. */
  readonly cacheNamespace: string;
  /** Aborting stops the build in the builder too. There is no other time limit. */
  readonly signal: AbortSignal;
  /** Called as things happen; must not throw. */
  readonly onEvent: (event: BuildEvent) => void;
}

/** The Dockerfile travels beside the context. */
export interface Dockerfile {
  /** As messages name it; relative, with slashes. */
  readonly path: string;
  readonly content: Uint8Array;
}

/** The options of `docker build`. */
export interface BuildOptions {
  readonly arguments: Readonly<Record<string, string>>;
  /** Stage to build; `undefined`: the last one. */
  readonly target?: string;
  readonly noCache: boolean;
  /** Look for newer base images even when the builder has them. */
  readonly pull: boolean;
  /** E.g. `linux/amd64`; `undefined`: the builder's own. */
  readonly platform?: string;
}

/** Progress of a build. */
export type BuildEvent =
  | {
    readonly kind: "step";
    /** Stable during one build. */
    readonly id: string;
    /** The instruction as BuildKit shows it, e.g. `[2/3] RUN make`. */
    readonly name: string;
    readonly status: "running" | "done" | "failed" | "cached";
  }
  | { readonly kind: "log"; readonly stepName: string; readonly lines: readonly string[] };

/** The end of a build. The user can mend a failure; trouble of the platform is thrown instead. */
export type BuildOutcome =
  | { readonly kind: "built"; readonly image: string }
  | BuildFailure;

/** A build without an image. */
export interface BuildFailure {
  readonly kind: "failed";
  readonly code: BuildFailureCode;
  /** For the user: what failed, why, and what to do. */
  readonly message: string;
  /** The Dockerfile instruction that failed. */
  readonly instruction?: string;
  readonly exitCode?: number;
  /** The last output of that instruction. */
  readonly lastLines: readonly string[];
}

export type BuildFailureCode =
  | "build_failed"
  | "dockerfile_missing"
  | "context_invalid"
  | "push_denied"
  | "push_failed"
  | "builder_full"
  | "registry_full"
  | "registry_unavailable";

/** Builds images, and brings them to where they are pulled from. */
export interface Builder {
  /** @throws `unavailable` when the builder does not answer */
  build(request: BuildRequest): Promise<BuildOutcome>;
}
