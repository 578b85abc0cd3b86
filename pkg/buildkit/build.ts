import { Code, ConnectError } from "@connectrpc/connect";
import {
  type BuildEvent,
  type BuildFailure,
  BuildProgress,
  type BuildRecord,
  explainFailure,
  type NotPushed,
  pushProblem,
  pushStepName,
} from "../docker/mod.ts";
import { Fault } from "../fault/mod.ts";
import type { Registry } from "../registry/mod.ts";
import { newSecretToken } from "../uid/mod.ts";
import type { StatusResponse } from "../../proto/gen/moby/buildkit/v1/control_pb.ts";
import type { Daemon } from "./daemon.ts";
import { beginsPush, toTrace } from "./progress.ts";
import { openSession } from "./session.ts";
import { solveRequest } from "./solve_request.ts";

/** What to build and where to put it. */
export interface BuildAndPushRequest {
  /** A tar archive, compressed or not, as the daemon reaches it. */
  readonly contextUrl: string;
  /** Path of the Dockerfile in the context. */
  readonly dockerfile: string;
  /** Name and tag of the image, in `registry`. */
  readonly reference: string;
  readonly registry: Registry;
  /** The only images of `registry` that the build may use begin with it; no other build's are its to read. */
  readonly ownImages: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Builds share what `RUN --mount=type=cache` keeps with those of the same name only. */
  readonly cacheNamespace: string;
  /** Aborting stops the build in the daemon too. There is no other time limit. */
  readonly signal: AbortSignal;
  /** Called as things happen, with the beginning of the push but not its end; must not throw. */
  readonly onEvent?: (event: BuildEvent) => void;
}

/** How it ended. */
export type BuildAndPushOutcome =
  | { readonly kind: "pushed"; readonly digest: string }
  | NotPushed
  | BuildFailure;

const DIGEST = "containerimage.digest";
/** The progress ends with the build; what is still on its way gets this long. */
const PROGRESS_MS_MAX = 5_000;
/** What a daemon that works answers with; anything else without details comes from the connection. */
const ANSWERS: readonly Code[] = [Code.Unknown, Code.InvalidArgument, Code.NotFound, Code.FailedPrecondition];

/**
 * Builds an image and pushes it. What the user or the registry's operator can mend is a value.
 *
 * @throws `unavailable` when the daemon or the object store does not answer
 */
export async function buildAndPush(
  daemon: Daemon,
  request: BuildAndPushRequest,
): Promise<BuildAndPushOutcome> {
  const { signal, reference, dockerfile, onEvent = () => undefined } = request;
  const progress = new BuildProgress(onEvent);
  const ref = newSecretToken("build");
  const stopProgress = new AbortController();
  const following = follow(daemon, ref, AbortSignal.any([signal, stopProgress.signal]), (status) => {
    progress.push(toTrace(status));
    if (beginsPush(status)) {
      onEvent({ kind: "step", id: "push", name: pushStepName(reference), status: "running" });
    }
  });
  try {
    await using session = await openSession(daemon, request.registry);
    const { exporterResponse } = await daemon.control.solve(solveRequest(ref, session.id, request), {
      signal,
    });
    await ended(following);
    progress.record();
    const digest = exporterResponse[DIGEST];
    if (digest === undefined) throw new Fault("internal", "BuildKit names no digest of what it pushed");
    return { kind: "pushed", digest };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ConnectError)) throw error;
    await ended(following);
    return explain(daemon, error, dockerfile, progress.record());
  } finally {
    stopProgress.abort();
    await following;
  }
}

/** Passes on what the daemon tells of this build until it has ended. */
async function follow(
  daemon: Daemon,
  ref: string,
  signal: AbortSignal,
  take: (status: StatusResponse) => void,
): Promise<void> {
  try {
    for await (const status of daemon.control.status({ ref }, { signal })) take(status);
  } catch {
    // A build does not fail for want of its log; what is wrong with the daemon shows in the build itself.
  }
}

async function ended(following: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, PROGRESS_MS_MAX));
  await Promise.race([following, late]);
  clearTimeout(timer);
}

function explain(
  daemon: Daemon,
  error: ConnectError,
  dockerfile: string,
  record: BuildRecord,
): BuildAndPushOutcome {
  const said = error.rawMessage;
  if (record.failed === undefined && error.details.length === 0 && !ANSWERS.includes(error.code)) {
    throw new Fault("unavailable", `the BuildKit daemon at ${daemon.url} does not answer`, {
      publicMessage:
        "The builder does not answer, or stopped in the middle of the build. Try again in a moment.",
      cause: error,
    });
  }
  // No instruction of a Dockerfile is called like the export: theirs begin with their number.
  if (/^failed to push /.test(said) && !/^\[/.test(record.failed?.name ?? "")) {
    return { kind: "not_pushed", problem: pushProblem(said), said };
  }
  return deniedSource(said) ?? explainFailure(said, dockerfile, record);
}

/** What a build must not read looks like what is not there. */
function deniedSource(said: string): BuildFailure | undefined {
  const image = /source "[a-z+-]+:\/\/([^"]+)" denied by policy: source denied by policy$/.exec(said)?.[1];
  if (image === undefined) return undefined;
  const message =
    `The base image ${image} could not be pulled. Check its name and tag, and whether it is private.`;
  return { kind: "failed", code: "build_failed", message, lastLines: [] };
}
