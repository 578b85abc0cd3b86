/** The entries of the palette: pages, environments, deployments, and the acts of the page that is shown. */
import type { Environment, Project } from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import type { Deployment } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { metricsAddress, metricsCommand } from "../metrics/query.ts";
import { addressOf, commandOf, NO_QUERY } from "../search/query.ts";
import { firstLine, plain } from "../text/format.ts";
import { statusWord } from "../text/status.ts";
import type { Entry } from "./entry.ts";

const SHOWN_MAX = 50;

function go(kind: Entry["kind"], title: string, path: string, command: string): Entry {
  return { kind, title, command, does: { kind: "go", path } };
}

export const PAGES: readonly Entry[] = [
  go("page", "Overview", "/", "unkey list"),
  go("page", "Deployments", "/deployments", "unkey list --limit 100"),
  go("page", "Logs", "/logs", "unkey dashboard logs"),
  go("page", "Platform", "/platform", "unkey status"),
  go("page", "Audit log", "/audit", "unkey audit"),
  go("page", "Keys", "/keys", "unkey keys list"),
  go("page", "Sessions", "/sessions", "unkey sessions list"),
];

/** The pages of an environment. */
export function environmentEntries(project: Project, { slug }: Environment): readonly Entry[] {
  const place = { projectId: project.id, environmentSlug: slug };
  const name = `${plain(project.slug)} ${plain(slug)}`;
  const flags = `--project ${project.slug} --env ${slug}`;
  const query = { ...NO_QUERY, project: project.id, environment: slug };
  const metrics = metricsCommand(flags, { since: "1h", region: "" });
  return [
    go("environment", name, `/environments/${project.id}/${slug}`, `unkey list switches ${flags}`),
    go("environment", `${name} metrics`, metricsAddress(place), metrics),
    go("environment", `${name} logs`, addressOf(query), commandOf(query, project.slug)),
  ];
}

export function deploymentEntry(deployment: Deployment): Entry {
  const { id, projectSlug, environmentSlug, gitBranch, gitCommitMessage, status, live } = deployment;
  const words = [
    id,
    plain(projectSlug),
    plain(environmentSlug),
    live ? "live" : statusWord(status),
    plain(gitBranch),
    firstLine(gitCommitMessage),
  ];
  return go(
    "deployment",
    words.filter((each) => each !== "").join(" "),
    `/deployments/${id}`,
    `unkey status ${id}`,
  );
}

/** The entries with all words of a text, in any case; those that begin with it come first. */
export function matching(entries: readonly Entry[], text: string): readonly Entry[] {
  const wanted = text.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const found = entries.filter(({ title, command }) => {
    const own = `${title} ${command}`.toLowerCase();
    return wanted.every((word) => own.includes(word));
  });
  const begins = ({ title }: Entry): number => title.toLowerCase().startsWith(wanted[0] ?? "") ? 0 : 1;
  return found.toSorted((a, b) => begins(a) - begins(b)).slice(0, SHOWN_MAX);
}
