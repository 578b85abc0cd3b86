/** Lists that the control plane returns in pages. */
import { field, integerSchema, textSchema } from "../../pkg/config/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";

const PAGES_MAX = 1_000;

export interface Page<T> {
  readonly rows: readonly T[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

/** All rows of a list. @throws `failed_precondition` for a list without an end */
export async function allPages<T>(read: (pageToken: string) => Promise<Page<T>>): Promise<T[]> {
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

/** Settings of commands that list only the first rows. */
// deno-lint-ignore explicit-module-boundary-types -- the type of each field is inferred from its schema
export function limitFields(
  { help, count, countMax }: { readonly help: string; readonly count: number; readonly countMax: number },
) {
  return {
    limit: field({
      flag: "limit",
      env: "UNKEY_LIST_LIMIT",
      placeholder: "<count>",
      help,
      schema: integerSchema(count, 1, countMax),
    }),
    pageToken: field({
      flag: "page-token",
      env: "UNKEY_LIST_PAGE_TOKEN",
      placeholder: "<token>",
      help: "Go on after an earlier list; its JSON has the token as nextPageToken.",
      schema: textSchema(""),
    }),
  };
}

/** At most `limit` rows behind `pageToken`; the returned page names where a later list goes on. */
export async function readPages<T>(
  { limit, pageToken: first, pageSizeMax }: {
    readonly limit: number;
    readonly pageToken: string;
    readonly pageSizeMax: number;
  },
  read: (page: { readonly pageSize: number; readonly pageToken: string }) => Promise<Page<T>>,
): Promise<Page<T>> {
  const rows: T[] = [];
  let pageToken = first;
  do {
    const pageSize = Math.min(pageSizeMax, limit - rows.length);
    const page = await read({ pageSize, pageToken });
    rows.push(...page.rows);
    pageToken = page.nextPageToken;
  } while (pageToken !== "" && rows.length < limit);
  return { rows, nextPageToken: pageToken };
}
