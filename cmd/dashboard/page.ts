/** The page of the dashboard that a word names. */
import type { Process } from "../../pkg/cli/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import type { Connection } from "../shared/connect.ts";
import { projectOf } from "../shared/project_fields.ts";

/** Pages of the workspace, by their words. */
const PAGES = {
  overview: "/",
  deployments: "/deployments",
  logs: "/logs",
  platform: "/platform",
  audit: "/audit",
  keys: "/keys",
  sessions: "/sessions",
} as const;

/** Pages of an environment, and the ends of their addresses. */
const ENVIRONMENT_PAGES = { environment: "", metrics: "/metrics" } as const;

/** Words of pages, for the help. */
export const PAGE_WORDS = [...Object.keys(PAGES), ...Object.keys(ENVIRONMENT_PAGES)].join(", ");

export interface PageWish {
  readonly word: string | undefined;
  readonly project: string | undefined;
  readonly environment: string;
}

/** The address of a page on the dashboard; `undefined` without a word. @throws `invalid_argument`, `not_found` */
export async function pagePath(
  { word, project, environment }: PageWish,
  connection: Connection,
  process: Pick<Process, "cwd" | "signal">,
): Promise<string | undefined> {
  if (word === undefined) return undefined;
  if (/^d_[A-Za-z0-9]{1,62}$/.test(word)) return `/deployments/${word}`;
  const page = Object.entries(PAGES).find(([name]) => name === word);
  if (page !== undefined) return page[1];
  const end = Object.entries(ENVIRONMENT_PAGES).find(([name]) => name === word)?.[1];
  if (end === undefined) {
    throw publicFault(
      "invalid_argument",
      `There is no page "${word}". There are: ${PAGE_WORDS}, and a deployment's id.`,
    );
  }
  const { id } = await projectOf(connection, project, process);
  return `/environments/${id}/${encodeURIComponent(environment)}${end}`;
}

/** A login link that leads to a page: both are in the fragment, which browsers keep to themselves. */
export function linkTo(url: string, path: string | undefined): string {
  return path === undefined ? url : `${url}&to=${encodeURIComponent(path)}`;
}
