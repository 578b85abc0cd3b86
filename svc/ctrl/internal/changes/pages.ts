/** Keyset paging: reads pages of `limit` rows, each after the cursor of the last row of the page before. */
export async function* inPages<Row, Cursor>(
  page: (after: Cursor) => Promise<readonly Row[]>,
  options: {
    readonly first: Cursor;
    readonly limit: number;
    readonly cursorOf: (row: Row) => Cursor;
  },
): AsyncGenerator<readonly Row[]> {
  const { limit, cursorOf } = options;
  for (let after = options.first;;) {
    const rows = await page(after);
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows;
    if (rows.length < limit) return;
    after = cursorOf(last);
  }
}
