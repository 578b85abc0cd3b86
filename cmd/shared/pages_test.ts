import assert from "node:assert/strict";
import { isFault } from "../../pkg/fault/mod.ts";
import { allPages, readPages } from "./pages.ts";

/** A list of numbers, in pages of at most `pageSize`; the token is the next number. */
function numbers(count: number) {
  const asked: { readonly pageSize: number; readonly pageToken: string }[] = [];
  return {
    asked,
    read(page: { readonly pageSize: number; readonly pageToken: string }) {
      asked.push(page);
      const from = Number(page.pageToken || 0);
      const rows = Array.from({ length: Math.min(page.pageSize, count - from) }, (_none, at) => from + at);
      const next = from + rows.length;
      return Promise.resolve({ rows, nextPageToken: next < count ? String(next) : "" });
    },
  };
}

Deno.test("readPages() reads no more rows than the limit, and returns the token of the next row", async () => {
  const { asked, read } = numbers(10);
  const page = await readPages({ limit: 7, pageToken: "", pageSizeMax: 3 }, read);
  assert.deepEqual(page, { rows: [0, 1, 2, 3, 4, 5, 6], nextPageToken: "7" });
  assert.deepEqual(asked.map(({ pageSize }) => pageSize), [3, 3, 1]);
});

Deno.test("readPages() resumes at a token, and returns none behind the last row", async () => {
  const { read } = numbers(10);
  const page = await readPages({ limit: 100, pageToken: "7", pageSizeMax: 50 }, read);
  assert.deepEqual(page, { rows: [7, 8, 9], nextPageToken: "" });
});

Deno.test("allPages() joins all pages", async () => {
  const { read } = numbers(5);
  assert.deepEqual(await allPages((pageToken) => read({ pageSize: 2, pageToken })), [0, 1, 2, 3, 4]);
});

/** A server that repeats a token must not keep a command busy for ever. */
Deno.test("allPages() gives up a list without an end", async () => {
  let pages = 0;
  const read = () => Promise.resolve({ rows: [pages++], nextPageToken: "same" });
  await assert.rejects(allPages(read), (error) => isFault(error, "failed_precondition"));
  assert.equal(pages, 1_000);
});
