import assert from "node:assert/strict";
import { branchGone, noRequests, spanText } from "./stop_note.ts";

Deno.test("spanText() takes the largest unit that is whole", () => {
  const shown = [1, 90, 5_400, 7_200, 86_400, 604_800].map(spanText);
  assert.deepEqual(shown, ["1 second", "90 seconds", "90 minutes", "2 hours", "1 day", "7 days"]);
});

Deno.test("the note of a stop says its cause to people", () => {
  assert.equal(noRequests(604_800, 1).message, "It got no request for 7 days.");
  assert.equal(branchGone("fix/login", 1).message, 'Its branch "fix/login" is gone.');
});
