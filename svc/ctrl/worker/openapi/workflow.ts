/** The order of a look for a document. */
import type { Durable } from "../../../../pkg/durable/mod.ts";
import type { ScrapeOutcome, ScrapeRequest } from "./contract.ts";
import type { Looked, OpenApiSteps } from "./types.ts";

/** Edges have the route within a second, mostly; an app that has just started may refuse for a little longer. */
const PAUSES_MS = [2_000, 5_000, 15_000, 30_000];

/** Asks until there is an answer, and keeps it. Its end is of no consequence for the deployment. */
export async function scrapeSpec(
  durable: Durable,
  steps: OpenApiSteps,
  { deploymentId }: ScrapeRequest,
): Promise<ScrapeOutcome> {
  const target = await durable.run("find", () => steps.find(deploymentId));
  if (target.kind === "gone") return { status: "gone" };
  const { hostname, path } = target;
  const order = { deploymentId, hostname, path };
  const look = (): Promise<Looked> => durable.run("look", (signal) => steps.look(order, signal));
  let looked = await look();
  for (const pauseMs of PAUSES_MS) {
    if (looked.kind !== "later") break;
    await durable.sleep("wait for the app", pauseMs);
    looked = await look();
  }
  if (looked.kind === "moved") return { status: "gone" };
  if (looked.kind !== "later") return { status: looked.kind };
  const { problem } = looked;
  await durable.run("give up", () => steps.giveUp(order, problem));
  return { status: "none" };
}
