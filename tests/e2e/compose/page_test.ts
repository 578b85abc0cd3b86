import assert from "node:assert/strict";
import { CommandPage } from "./page.ts";

const PAGE = `# Title

## Start

\`\`\`sh
one
two
\`\`\`

Text, and output of no interest:

\`\`\`
$ three
\`\`\`

\`\`\`sh
four
\`\`\`

## End

\`\`\`sh
five
\`\`\`
`;

Deno.test("a page gives the commands below its headings in their order, and knows those that are left", () => {
  const page = new CommandPage(PAGE);
  assert.equal(page.take("Start"), "one\ntwo\n");
  assert.equal(page.take("Start"), "four\n");
  assert.deepEqual(page.left, ["End"]);
  assert.throws(() => page.take("Start"), /no further commands under "Start"/);
  assert.equal(page.take("End"), "five\n");
  assert.deepEqual(page.left, []);
});
