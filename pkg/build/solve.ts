import { Code, ConnectError } from "@connectrpc/connect";
import type { StatusResponse } from "../../proto/gen/moby/buildkit/v1/control_pb.ts";
import { type NotPushed, pushProblem, pushStepName } from "../docker/mod.ts";
import { Fault } from "../fault/mod.ts";
import type { Logger } from "../logger/mod.ts";
import { newSecretToken } from "../uid/mod.ts";
import type { BuildFailure, BuildRequest } from "./builder.ts";
import type { Connection } from "./connection/connection.ts";
import { singleFile } from "./context/single_file.ts";
import { explainFailure } from "./explain/explain.ts";
import { BuildProgress } from "./progress/progress.ts";
import type { SyncReport } from "./session/file_sync.ts";
import { openSession } from "./session/session.ts";
import { fileName, FOLDER, type SolveOptions, solveRequest } from "./solve_request.ts";

/** The end of a solve. */
export type Solved =
  | { readonly kind: "solved"; readonly response: Readonly<Record<string, string>> }
  | NotPushed
  | BuildFailure;

export interface SolveDeps extends Omit<SolveOptions, "ref" | "session"> {
  readonly connection: Connection;
  readonly log: Logger;
  /** Sees each message of the progress, and may stop the build by aborting `stop`. */
  readonly onStatus?: (status: StatusResponse) => void;
}

/** The progress ends with the build; messages on their way get this long. */
const PROGRESS_MS_MAX = 5_000;
/** Codes of answers; any other without details comes from the connection. */
const ANSWERS: readonly Code[] = [
  Code.Unknown,
  Code.InvalidArgument,
  Code.NotFound,
  Code.FailedPrecondition,
  Code.PermissionDenied,
];

/**
 * Runs one build on a BuildKit and follows its progress.
 *
 * @throws `unavailable` when BuildKit stops answering
 */
export async function solve(request: BuildRequest, deps: SolveDeps): Promise<Solved> {
  const { connection, onStatus } = deps;
  const { signal, onEvent, image } = request;
  const progress = new BuildProgress(onEvent);
  const ref = newSecretToken("build");
  const stopProgress = new AbortController();
  const following = follow(
    connection,
    { ref, signal: AbortSignal.any([signal, stopProgress.signal]) },
    (status) => {
      progress.push(status);
      onStatus?.(status);
      if (beginsPush(status)) {
        onEvent({
          kind: "step",
          id: "push",
          name: pushStepName(image),
          status: "running",
        });
      }
    },
  );
  try {
    const onSynchronized = (report: SyncReport): void =>
      deps.log.debug("folder synchronized", { image, ...report });
    await using session = await openSession(connection, {
      ...request,
      folders: foldersOf(request),
      onSynchronized,
    });
    const message = solveRequest(request, { ...deps, ref, session: session.id });
    const { exporterResponse } = await connection.control.solve(message, { signal });
    await ended(following);
    progress.record();
    return { kind: "solved", response: exporterResponse };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ConnectError)) throw error;
    await ended(following);
    return explain(error, request, { progress, log: deps.log });
  } finally {
    stopProgress.abort();
    await following;
  }
}

function foldersOf({ context, dockerfile: { path, content } }: BuildRequest) {
  return new Map([
    [FOLDER.context, context],
    [FOLDER.dockerfile, singleFile(fileName(path), content)],
  ]);
}

/** Passes on the progress of a build until it has ended. */
async function follow(
  { control }: Connection,
  { ref, signal }: { readonly ref: string; readonly signal: AbortSignal },
  take: (status: StatusResponse) => void,
): Promise<void> {
  try {
    for await (const status of control.status({ ref }, { signal })) take(status);
  } catch {
    // A build does not fail for want of its log; trouble of the builder shows in the build itself.
  }
}

async function ended(following: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, PROGRESS_MS_MAX));
  await Promise.race([following, late]);
  clearTimeout(timer);
}

function explain(
  error: ConnectError,
  { image, dockerfile }: BuildRequest,
  { progress, log }: { readonly progress: BuildProgress; readonly log: Logger },
): NotPushed | BuildFailure {
  const said = error.rawMessage;
  const record = progress.record();
  if (record.failed === undefined && error.details.length === 0 && !ANSWERS.includes(error.code)) {
    throw new Fault("unavailable", "BuildKit does not answer", {
      publicMessage:
        "The builder does not answer, or stopped in the middle of the build. Try again in a moment.",
      cause: error,
    });
  }
  // No instruction of a Dockerfile is called like the export: theirs begin with their number.
  if (/^failed to push /.test(said) && !/^\[/.test(record.failed?.name ?? "")) {
    return { kind: "not_pushed", problem: pushProblem(said), said };
  }
  const text = new TextDecoder().decode(dockerfile.content);
  const { failure, detail } = explainFailure(said, { dockerfile: dockerfile.path, record, text });
  log.info("build failed", { image, detail });
  return failure;
}

/** True when the push begins here; to BuildKit it is a part of the export. */
function beginsPush({ statuses }: StatusResponse): boolean {
  return statuses.some((each) => each.id === "pushing layers" && each.completed === undefined);
}
