import assert from "node:assert/strict";
import { ObservedStream } from "./observed_stream.ts";

async function* numbers(failure?: Error): AsyncGenerator<number> {
  yield 1;
  yield 2;
  if (failure !== undefined) throw failure;
}

Deno.test("ObservedStream reports its end once, whichever way it is read", async (t) => {
  const own = new Error("own");
  const ends: readonly { name: string; source: AsyncIterable<number>; takes: number; reported: unknown }[] = [
    { name: "to its end", source: numbers(), takes: 9, reported: undefined },
    { name: "to its failure", source: numbers(own), takes: 9, reported: own },
    { name: "until the reader leaves", source: numbers(own), takes: 1, reported: undefined },
  ];
  for (const { name, source, takes, reported } of ends) {
    await t.step(name, async () => {
      const reports: unknown[] = [];
      const stream = new ObservedStream(source, (error) => {
        reports.push(error);
        return error === undefined ? undefined : new Error("shown");
      });
      const read = (async () => {
        let taken = 0;
        for await (const _ of stream) if (++taken === takes) break;
      })();
      await (reported === undefined ? read : assert.rejects(read, /shown/));
      assert.deepEqual(reports, [reported]);
    });
  }
});
