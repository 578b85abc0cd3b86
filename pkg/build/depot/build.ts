import type { Client } from "@connectrpc/connect";
import type { Clock } from "../../clock/mod.ts";
import { Secret } from "../../config/mod.ts";
import { describeError } from "../../fault/mod.ts";
import type { Logger } from "../../logger/mod.ts";
import type { BuildService } from "../../../proto/gen/depot/cli/v1/build_pb.ts";
import { callDepot, unusableAnswer } from "./faults.ts";

/** Client of the calls about builds. */
export type BuildClient = Client<typeof BuildService>;

/** The end of a build, as Depot's web interface and its statistics show it. */
export type DepotOutcome =
  | { readonly kind: "success" }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "cancelled" };

/** A build at Depot. It is open until `finish`. */
export interface DepotBuild {
  readonly id: string;
  readonly url: string;
  /** Authorized for this build only. */
  readonly client: BuildClient;
  /** Never throws: a result of a build stays what it is when Depot cannot be notified. At most some 100 s. */
  finish(outcome: DepotOutcome): Promise<void>;
}

/** Everything that a build is created with. */
export interface BuildDeps {
  /** Authorized by the token of the organization. */
  readonly organization: BuildClient;
  /** A client with a token of its own. */
  readonly builds: (token: Secret) => BuildClient;
  readonly clock: Clock;
  readonly log: Logger;
}

const ERROR_LENGTH_MAX = 1_000;

/**
 * Creates a build. A call that is under way (at most 30 s) is not interrupted by the signal, and the build is ended
 * afterwards: without the answer, its id is not known.
 */
export async function createBuild(
  deps: BuildDeps,
  { projectId, signal }: { readonly projectId: string; readonly signal: AbortSignal },
): Promise<DepotBuild> {
  const { organization, builds, clock, log } = deps;
  const failed = "No build machine";
  const answer = await callDepot(() => organization.createBuild({ projectId }), { failed, clock, signal });
  const { buildId: id, buildToken, buildUrl: url } = answer;
  if (id === "" || buildToken === "") throw unusableAnswer(failed, "without a build");
  const client = builds(new Secret(buildToken));
  const build: DepotBuild = {
    id,
    url,
    client,
    finish: async (outcome) => {
      const request = { buildId: id, result: resultOf(outcome) };
      try {
        await callDepot(() => client.finishBuild(request), { failed: "The build was not ended", clock });
      } catch (error) {
        log.warn("depot build not finished", { build_id: id, error: describeError(error) });
      }
    },
  };
  if (!signal.aborted) return build;
  await build.finish({ kind: "cancelled" });
  throw signal.reason;
}

type Result =
  | { readonly case: "success" | "canceled"; readonly value: Record<string, never> }
  | { readonly case: "error"; readonly value: { readonly error: string } };

function resultOf(outcome: DepotOutcome): Result {
  switch (outcome.kind) {
    case "success":
      return { case: "success", value: {} };
    case "cancelled":
      return { case: "canceled", value: {} };
    case "failed":
      return { case: "error", value: { error: outcome.message.slice(0, ERROR_LENGTH_MAX) } };
  }
}
