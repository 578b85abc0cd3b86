import { z } from "zod";
import { Fault, isFault } from "../fault/mod.ts";
import type { RegistryCredentials } from "../registry/mod.ts";
import type { Engine } from "./engine.ts";
import { pathOf, splitReference } from "./images.ts";
import { jsonLines } from "./json_stream.ts";
import { type PushProblem, pushProblem } from "./push_problem.ts";
import { authHeader } from "./registry_auth.ts";

export interface PushRequest {
  /** Name and tag of an image that the engine has; the name says which registry. */
  readonly reference: string;
  readonly credentials?: RegistryCredentials;
  /** Aborting stops the push in the engine too. There is no other time limit. */
  readonly signal: AbortSignal;
  /** Summed over the layers whose size is known; must not throw. */
  readonly onProgress?: (progress: PushProgress) => void;
}

export interface PushProgress {
  readonly sentBytes: number;
  readonly totalBytes: number;
}

/** The outcome of a push. */
export type PushOutcome = { readonly kind: "pushed"; readonly digest: string } | NotPushed;

/** The registry does not have the image. `said` is the reason that was given: for the operator, not for users. */
export interface NotPushed {
  readonly kind: "not_pushed";
  readonly problem: PushProblem;
  readonly said: string;
}

/** The name of a push among the steps of a build, the same for all builders. */
export function pushStepName(reference: string): string {
  return `[registry] push ${reference}`;
}

const Progress = z.object({
  id: z.string().optional(),
  status: z.string().optional(),
  error: z.string().optional(),
  errorDetail: z.object({ message: z.string().optional() }).nullish(),
  progressDetail: z.object({ current: z.number().optional(), total: z.number().optional() }).nullish(),
  aux: z.unknown().optional(),
});
const Pushed = z.object({ Digest: z.string().regex(/^sha256:[a-f0-9]{64}$/) });
/** The last line of an engine whose images are in containerd; engines with the classic store send `aux`, too. */
const PUSHED_LINE = /: digest: (sha256:[a-f0-9]{64}) size: [0-9]+$/;

/**
 * Pushes one tag. What the registry refuses is a value.
 *
 * @throws `unavailable` when the engine does not answer
 */
export async function pushImage(engine: Engine, request: PushRequest): Promise<PushOutcome> {
  const { signal } = request;
  try {
    return await follow(engine, request);
  } catch (error) {
    signal.throwIfAborted();
    // What the engine itself answers before the stream begins; when it is not there at all, the fault has a cause.
    const answered = isFault(error, "not_found", "invalid_argument") ||
      (isFault(error, "unavailable") && error.cause === undefined);
    if (!answered) throw error;
    return { kind: "not_pushed", problem: pushProblem(error.message), said: error.message };
  }
}

async function follow(engine: Engine, request: PushRequest): Promise<PushOutcome> {
  const { reference, credentials, signal, onProgress = () => undefined } = request;
  const { repository, tag } = splitReference(reference);
  const response = await engine.call({
    method: "POST",
    path: `${pathOf(repository)}/push`,
    query: { tag },
    headers: authHeader(credentials),
    signal,
    timeoutMs: 0,
  });
  const layers = new Map<string, PushProgress>();
  let digest: string | undefined;
  for await (const value of jsonLines(engine, response, signal)) {
    const line = Progress.parse(value);
    if (line.error !== undefined) {
      signal.throwIfAborted();
      const said = line.errorDetail?.message ?? line.error;
      return { kind: "not_pushed", problem: pushProblem(said), said };
    }
    digest = digestIn(line) ?? digest;
    const { current, total } = line.progressDetail ?? {};
    if (line.id === undefined || current === undefined || total === undefined) continue;
    layers.set(line.id, { sentBytes: Math.min(current, total), totalBytes: total });
    onProgress(summed([...layers.values()]));
  }
  signal.throwIfAborted();
  if (digest !== undefined) return { kind: "pushed", digest };
  throw new Fault("unavailable", "Docker ended the push without a digest or an error", {
    publicMessage: "The builder stopped in the middle of the push. Try again.",
  });
}

/** A line about one layer has an id, and no digest of the image. */
function digestIn({ id, status, aux }: z.infer<typeof Progress>): string | undefined {
  const pushed = Pushed.safeParse(aux);
  if (pushed.success) return pushed.data.Digest;
  return id === undefined ? PUSHED_LINE.exec(status ?? "")?.[1] : undefined;
}

function summed(layers: readonly PushProgress[]): PushProgress {
  return {
    sentBytes: layers.reduce((sum, each) => sum + each.sentBytes, 0),
    totalBytes: layers.reduce((sum, each) => sum + each.totalBytes, 0),
  };
}
