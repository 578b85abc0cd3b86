/** The deployments of a workspace, newest first: the first page at once, older ones behind it. */
import { type Signal, signal } from "@preact/signals";
import type { Deployment } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { type Api, soon } from "../api/clients.ts";
import { firstLine, plain } from "../text/format.ts";
import { statusWord } from "../text/status.ts";

const PAGE_SIZE = 100;
const DEPLOYMENTS_MAX = 1_000;
/** Changes are those of the newest 100 and of live ones; older ones are read again after so long, in milliseconds. */
const ALL_MS = 60_000;

export interface ListedDeployments {
  /** Newest first. */
  readonly deployments: readonly Deployment[];
  /** The older ones that are shown are still read. */
  readonly isPartial: boolean;
  /** There are more than are shown. */
  readonly hasOlder: boolean;
}

/** Keeps up to 1,000 deployments. */
export class DeploymentList {
  readonly #api: Pick<Api, "clock" | "deployments">;
  readonly #max: number;
  /** Changes with each page that comes. */
  readonly state: Signal<ListedDeployments | undefined> = signal(undefined);
  #allAtMs: number | undefined;

  constructor(api: Pick<Api, "clock" | "deployments">, max = DEPLOYMENTS_MAX) {
    [this.#api, this.#max] = [api, max];
  }

  /** Reads the newest ones, and all others if it has been long. */
  async read(signal: AbortSignal): Promise<void> {
    let page = await this.#page("", signal);
    const before = this.state.value;
    const nowMs = this.#api.clock.now();
    const isAll = this.#allAtMs === undefined || nowMs - this.#allAtMs >= ALL_MS;
    if (!isAll && before !== undefined) {
      this.state.value = { ...before, deployments: joined(page.deployments, before.deployments, this.#max) };
      return;
    }
    let found = page.deployments;
    const show = (isPartial: boolean): void => {
      const known = isPartial ? before?.deployments ?? [] : [];
      const deployments = joined(found, known, this.#max);
      this.state.value = { deployments, isPartial, hasOlder: page.nextPageToken !== "" };
    };
    while (page.nextPageToken !== "" && found.length < this.#max) {
      show(true);
      page = await this.#page(page.nextPageToken, signal);
      found = [...found, ...page.deployments];
    }
    show(false);
    this.#allAtMs = nowMs;
  }

  #page(pageToken: string, signal: AbortSignal) {
    return this.#api.deployments.listDeployments({ pageSize: PAGE_SIZE, pageToken }, soon(signal));
  }
}

/** Newer ones in front of those that are known, each once. */
function joined(
  newer: readonly Deployment[],
  known: readonly Deployment[],
  max: number,
): readonly Deployment[] {
  const ids = new Set(newer.map(({ id }) => id));
  return [...newer, ...known.filter(({ id }) => !ids.has(id))].slice(0, max);
}

/** The deployments with each of the words, in any case: id, project, environment, branch, commit or status. */
export function withWords(deployments: readonly Deployment[], text: string): readonly Deployment[] {
  const words = text.toLowerCase().split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) return deployments;
  return deployments.filter((each) => {
    const { id, projectSlug, environmentSlug, gitBranch, gitCommitSha, live, status } = each;
    const all = [
      id,
      projectSlug,
      environmentSlug,
      plain(gitBranch),
      gitCommitSha,
      firstLine(each.gitCommitMessage),
      statusWord(status),
      live ? "live" : "",
    ].join("\n").toLowerCase();
    return words.every((word) => all.includes(word));
  });
}
