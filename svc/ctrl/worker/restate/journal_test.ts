import assert from "node:assert/strict";
import {
  JOURNAL_WRITTEN,
  journalPlace,
  JOURNALS_READ,
  journalUri,
  readsJournal,
  requestedJournal,
} from "./journal.ts";

Deno.test("an address of journals gives back its worker and revision", () => {
  const worker = "https://worker.internal:9080/prefix";
  assert.equal(journalUri(`${worker}/`), `${worker}/journal/${JOURNAL_WRITTEN}`);
  for (const revision of [1, 42]) {
    assert.deepEqual(journalPlace(`${journalUri(worker, revision)}/`), { worker, revision });
  }
  assert.deepEqual(journalPlace(`${worker}/`), { worker, revision: 1 }, "of releases before revisions");
});

Deno.test("a release reads the journals that it writes", () => {
  assert.ok(JOURNALS_READ.includes(JOURNAL_WRITTEN));
  assert.deepEqual([JOURNAL_WRITTEN, 999].map(readsJournal), [true, false]);
});

Deno.test("requestedJournal() finds the revision in a path of Restate only", () => {
  const cases: readonly (readonly [path: string, revision: number])[] = [
    ["/discover", 1],
    ["/invoke/a.B/c", 1],
    ["/journal/2/discover", 2],
    ["/x/journal/3/invoke/a.B/c", 3],
    ["/journal/4/health", 4],
    ["/invoke/journal/5", 1],
    ["/journal/12345678/discover", 1],
  ];
  for (const [path, revision] of cases) assert.equal(requestedJournal(path), revision, path);
});
