import assert from "node:assert/strict";
import { inPages } from "./pages.ts";

Deno.test("inPages() reads every row once, and asks no more after a page that is not full", async (t) => {
  for (const [count, calls] of [[0, 1], [1, 1], [2, 2], [3, 2], [4, 3]] as const) {
    await t.step(`${count} rows in pages of 2`, async () => {
      const rows = Array.from({ length: count }, (_, n) => n + 1);
      const asked: number[] = [];
      const page = (after: number) => {
        asked.push(after);
        return Promise.resolve(rows.filter((row) => row > after).slice(0, 2));
      };
      const read: number[] = [];
      for await (const part of inPages(page, { first: 0, limit: 2, cursorOf: (row) => row })) {
        read.push(...part);
      }
      assert.deepEqual(read, rows);
      assert.equal(asked.length, calls);
    });
  }
});
