import { createHash } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import {
  type Definition,
  DefinitionSchema,
  OpSchema,
  SolveRequestSchema,
} from "../../../proto/gen/moby/buildkit/v1/control_pb.ts";
import { Fault } from "../../fault/mod.ts";
import { newSecretToken } from "../../uid/mod.ts";
import type { Connection } from "../connection/connection.ts";

/** The end of a download that a builder was asked for. */
export type ProbedFetch =
  | { readonly kind: "fetched" }
  /** `error` is the builder's own text. */
  | { readonly kind: "failed"; readonly error: string }
  /** The download began, and for `answerMsMax` there was neither an answer nor a refusal. */
  | { readonly kind: "no_answer" };

export interface FetchProbeOptions {
  readonly answerMsMax: number;
  readonly signal: AbortSignal;
}

/** Messages of the progress may come later than the end of the build. */
const PROGRESS_MS_MAX = 5_000;

/**
 * Downloads a URL from the network that `ADD` of a Dockerfile is in, without any rules about sources and without a result.
 *
 * @throws `unavailable` when the builder did not even begin with it
 */
export async function probeFetch(
  { control }: Connection,
  url: string,
  { answerMsMax, signal }: FetchProbeOptions,
): Promise<ProbedFetch> {
  const ref = newSecretToken("probe");
  const noAnswer = new AbortController();
  const ended = new AbortController();
  const begun = Promise.withResolvers<boolean>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const begin = (): void => {
    begun.resolve(true);
    timer ??= setTimeout(() => noAnswer.abort(), answerMsMax);
  };
  const all = AbortSignal.any([signal, ended.signal]);
  const following = follow(control.status({ ref }, { signal: all }), begin).then(() => begun.resolve(false));
  try {
    const request = create(SolveRequestSchema, { ref, definition: download(url) });
    await control.solve(request, { signal: AbortSignal.any([signal, noAnswer.signal]) });
    return { kind: "fetched" };
  } catch (error) {
    signal.throwIfAborted();
    if (noAnswer.signal.aborted) return { kind: "no_answer" };
    if (!(error instanceof ConnectError)) throw error;
    const late = setTimeout(() => begun.resolve(false), PROGRESS_MS_MAX);
    const hasBegun = await begun.promise;
    clearTimeout(late);
    if (hasBegun) return { kind: "failed", error: error.rawMessage };
    throw new Fault("unavailable", `the builder did not try to download ${url}`, { cause: error });
  } finally {
    ended.abort();
    await following;
    clearTimeout(timer);
  }
}

/** Calls `begin` when a step begins. */
async function follow(
  progress: ReturnType<Connection["control"]["status"]>,
  begin: () => void,
): Promise<void> {
  try {
    for await (const { vertexes } of progress) {
      if (vertexes.some(({ started }) => started !== undefined)) begin();
    }
  } catch {
    // The end of the build has the reason.
  }
}

/** One source, and a last operation that names it as the result. */
function download(url: string): Definition {
  const source = toBinary(OpSchema, create(OpSchema, { source: { identifier: url } }));
  const digest = `sha256:${createHash("sha256").update(source).digest("hex")}`;
  const result = toBinary(OpSchema, create(OpSchema, { inputs: [{ digest }] }));
  return create(DefinitionSchema, { def: [source, result] });
}
