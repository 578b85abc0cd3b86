import assert from "node:assert/strict";
import { FollowedStream } from "./followed.ts";

async function* numbers(failure?: Error): AsyncGenerator<number> {
  yield 1;
  yield 2;
  if (failure !== undefined) throw failure;
}

Deno.test("whoever follows a stream is told once how it ended, whichever way it is read", async (t) => {
  const own = new Error("own");
  const ends: readonly { name: string; source: AsyncIterable<number>; takes: number; told: unknown }[] = [
    { name: "to its end", source: numbers(), takes: 9, told: undefined },
    { name: "to its failure", source: numbers(own), takes: 9, told: own },
    { name: "until the reader leaves", source: numbers(own), takes: 1, told: undefined },
  ];
  for (const { name, source, takes, told } of ends) {
    await t.step(name, async () => {
      const heard: unknown[] = [];
      const stream = new FollowedStream(source, (error) => {
        heard.push(error);
        return error === undefined ? undefined : new Error("shown");
      });
      const read = (async () => {
        let taken = 0;
        for await (const _ of stream) if (++taken === takes) break;
      })();
      await (told === undefined ? read : assert.rejects(read, /shown/));
      assert.deepEqual(heard, [told]);
    });
  }
});
