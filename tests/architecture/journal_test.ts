/**
 * The order of the durable operations of every workflow, as its source has it. A run that began with the former release
 * is replayed with this one: a change here is one of the journal, and needs a new revision.
 */
import assert from "node:assert/strict";
import { JOURNAL_WRITTEN } from "../../svc/ctrl/worker/restate/journal.ts";
import { readSource, sourcePaths } from "./sources.ts";

const WORKFLOWS = /^svc\/ctrl\/worker\/(?!restate\/|config\/|tasks\/|builder\/).*(?<!_test|testing\w*)\.ts$/;
/** An operation, and its first argument where that is a text or a target. */
const OPERATION =
  /\bdurable\.(run|sleep|now|call|callUnless|send|set|get|clear|signal|waitFor)(?:<[^(]*>)?\(\s*((["`])(?:(?!\3).)*\3|target\([^)]*\)|[A-Z]\w+)?/g;

/** Lines like `deploy/workflow.ts run "load deployment"`. */
function operationsOf(path: string, source: string): readonly string[] {
  const file = path.slice("svc/ctrl/worker/".length);
  return [...source.matchAll(OPERATION)].map(([, operation, argument = ""]) =>
    `${file} ${operation} ${argument.replaceAll(/\s+/g, " ")}`.trimEnd()
  );
}

const RULE =
  `The journal of a workflow changed. Runs that began with the former release would end for good when they are replayed.
Keep the former order for them: a new revision in svc/ctrl/worker/restate/journal.ts, which this release reads and does
not write before the next one, see docs/how_to.md, "A step of a workflow". Where no release has this revision yet, remove
its file. Then "deno task golden" writes the new one.`;

Deno.test("the order of the steps of workflows is that of the journal's revision", async () => {
  const lines: string[] = [];
  for (const path of (await sourcePaths()).filter((each) => WORKFLOWS.test(each)).toSorted()) {
    lines.push(...operationsOf(path, await readSource(path)));
  }
  assert.ok(lines.length > 50, "the operations are found");
  const golden = new URL(`./journals/revision_${JOURNAL_WRITTEN}.txt`, import.meta.url);
  const text = `${lines.join("\n")}\n`;
  if (Deno.env.get("UPDATE_GOLDEN") === "1") await writeNew(golden, text);
  assert.equal(text, await Deno.readTextFile(golden), RULE);
});

/** The file of a revision that was released is never written again. */
async function writeNew(path: URL, text: string): Promise<void> {
  await Deno.writeTextFile(path, text, { createNew: true }).catch((error: unknown) => {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  });
}

Deno.test("a changed name, another order and a further step are each noticed", () => {
  const source = `
    await durable.run("load", () => 1);
    durable.set(ROUND, 1);
    await durable.run(
      \`check \${round}\`,
      () => 2,
    );
    await durable.call(target(Service, "handler", key), {});`;
  const path = "svc/ctrl/worker/x/workflow.ts";
  const lines = operationsOf(path, source);
  assert.deepEqual(lines, [
    'x/workflow.ts run "load"',
    "x/workflow.ts set ROUND",
    "x/workflow.ts run `check ${round}`",
    'x/workflow.ts call target(Service, "handler", key)',
  ]);
  assert.notDeepEqual(operationsOf(path, source.replace('"load"', '"read"')), lines);
  assert.notDeepEqual(operationsOf(path, source.replace("durable.set(ROUND, 1);", "")), lines);
});
