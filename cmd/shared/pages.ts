import { publicFault } from "../../pkg/fault/mod.ts";

const PAGES_MAX = 1_000;

/** All rows of a list that the server hands out in pages. */
export async function allPages<T>(
  read: (pageToken: string) => Promise<{ readonly rows: readonly T[]; readonly nextPageToken: string }>,
): Promise<T[]> {
  const all: T[] = [];
  let pageToken = "";
  for (let page = 0; page < PAGES_MAX; page++) {
    const { rows, nextPageToken } = await read(pageToken);
    all.push(...rows);
    if (nextPageToken === "") return all;
    pageToken = nextPageToken;
  }
  throw publicFault("failed_precondition", `There are more than ${all.length}: too many to list.`);
}
