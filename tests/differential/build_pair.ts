import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { findDockerfile } from "../../pkg/archive/mod.ts";
import { type Builder, openArchive } from "../../pkg/build/mod.ts";
import { systemClock } from "../../pkg/clock/mod.ts";
import { describeError, isFault } from "../../pkg/fault/mod.ts";
import type { Buildx } from "../../pkg/testkit/buildx.ts";
import { packContext } from "../../pkg/testkit/context_archive/pack.ts";

/** A build that both ways are given. */
export interface BuildInput {
  /** The folder of the context; absolute. */
  readonly root: string;
  /** Absolute; in the context or outside of it. */
  readonly dockerfile: string;
  readonly arguments?: Readonly<Record<string, string>>;
  readonly target?: string;
  /** Files with the secrets by their ids; absolute. */
  readonly secrets?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

/** The end of a build. Its user can mend a refusal. */
export type Ended =
  | { readonly kind: "built"; readonly image: string }
  | { readonly kind: "refused"; readonly why: string };

/** Something that builds images which an engine then has. */
export type BuildWay = (input: BuildInput, image: string) => Promise<Ended>;

const BUILD_MS = 300_000;
const CONTEXT_BYTES_MAX = 1_000_000_000;
const CONTEXT_ENTRIES_MAX = 1_000_000;

/** The reference: `docker build` without its cache. */
export function dockerBuild(client: Buildx): BuildWay {
  return async ({ root, dockerfile, arguments: args = {}, target, secrets = {}, labels = {} }, image) => {
    const options = [
      ...Object.entries(args).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]),
      ...Object.entries(labels).flatMap(([name, value]) => ["--label", `${name}=${value}`]),
      ...Object.entries(secrets).flatMap(([id, file]) => ["--secret", `id=${id},src=${file}`]),
      ...(target === undefined ? [] : ["--target", target]),
    ];
    try {
      await client.build("--no-cache", "--tag", image, "--file", dockerfile, ...options, root);
      return { kind: "built", image };
    } catch (error) {
      return { kind: "refused", why: error instanceof Error ? error.message : String(error) };
    }
  };
}

/** A build as a deploy makes it: the packed context is opened again, and a builder gets it. */
export function platformBuild(builder: Builder, temporaryDirectory: string): BuildWay {
  const clock = systemClock();
  return async (input, image) => {
    const signal = AbortSignal.timeout(BUILD_MS);
    const { root, arguments: args = {}, target, secrets = {}, labels = {} } = input;
    try {
      const dockerfile = await findDockerfile({ root, dockerfile: input.dockerfile, cwd: root });
      await using packed = await packContext({
        root,
        dockerfile,
        cacheDirectory: `${temporaryDirectory}/cache`,
        temporaryDirectory,
        nowMs: clock.now(),
        signal,
      });
      await using context = await openArchive((await Deno.open(packed.path)).readable, {
        temporaryDirectory,
        bytesMax: CONTEXT_BYTES_MAX,
        entriesMax: CONTEXT_ENTRIES_MAX,
        signal,
      });
      const outcome = await builder.build({
        context,
        dockerfile: { path: dockerfile.name, content: dockerfile.content },
        image,
        labels,
        options: {
          arguments: args,
          noCache: true,
          pull: false,
          ...(target === undefined ? {} : { target }),
        },
        secrets: async (id) => {
          const file = secrets[id];
          return file === undefined ? undefined : await readFile(file);
        },
        credentials: () => Promise.resolve(undefined),
        projectId: "differential",
        contextKey: `${basename(root)}.${context.stampDigest}`,
        cacheNamespace: "differential",
        signal,
        onEvent: () => undefined,
      });
      return outcome.kind === "built" ? outcome : { kind: "refused", why: outcome.message };
    } catch (error) {
      if (!isFault(error, "invalid_argument", "failed_precondition", "not_found", "too_large")) throw error;
      return { kind: "refused", why: describeError(error) };
    }
  };
}
