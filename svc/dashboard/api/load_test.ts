/** Data of a page: when it is read, and what stays after a failure. */
import { Code, ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import type { WorkspaceChange } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { Changes } from "./live.ts";
import { keepLoading, type LoadOptions } from "./load.ts";

const PAGE = { visibilityState: "visible", addEventListener: () => undefined } as const;

/** A page whose reads the test answers, one after the other. */
function reading(options: Pick<LoadOptions<number>, "concerns" | "everyMs"> = {}) {
  const listeners = new Set<(changes: Changes) => void>();
  const waiting: ((answer: number | Error) => void)[] = [];
  const begun: (() => void)[] = [];
  let reads = 0;
  const loading = keepLoading<number>({
    page: PAGE,
    api: {
      live: {
        onChanges: (listener) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      },
    },
    read: () =>
      new Promise((resolve, reject) => {
        reads++;
        waiting.push((answer) => answer instanceof Error ? reject(answer) : resolve(answer));
        for (const each of begun.splice(0)) each();
      }),
    what: "The page cannot be read.",
    ...options,
  });
  /** Answers the read that goes on, or the next one. */
  const answer = async (value: number | Error): Promise<void> => {
    if (waiting.length === 0) await new Promise<void>((done) => begun.push(done));
    waiting.shift()?.(value);
    await settled();
  };
  return {
    loading,
    answer,
    change: (changes: Changes): void => listeners.forEach((each) => each(changes)),
    reads: () => reads,
    listeners: () => listeners.size,
  };
}

/** Everything that follows from an answer has run. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 10; turns++) await Promise.resolve();
}

function changeOf(id: string): WorkspaceChange {
  return { $typeName: "ctrl.v1.WorkspaceChange", object: 1, id, projectId: "" };
}

Deno.test("a page is read at once, and again when something that concerns it has changed", async () => {
  const { loading, answer, change, reads, listeners } = reading({
    concerns: ({ id }, value) => id === `d_${value}`,
  });
  await answer(1);
  assert.deepEqual(loading.state.value, { value: 1, problem: undefined });
  change([changeOf("d_2")]);
  await settled();
  assert.equal(reads(), 1, "another object");
  change([changeOf("d_2"), changeOf("d_1")]);
  await answer(2);
  assert.equal(loading.state.value.value, 2);
  change(undefined);
  await answer(3);
  assert.deepEqual([loading.state.value.value, reads()], [3, 3], "anything may have changed");
  loading.stop();
  assert.equal(listeners(), 0);
});

Deno.test("a page is read after its time, and when it asks for it", async () => {
  const { loading, answer, reads } = reading({ everyMs: (value) => value === 1 ? 1 : 60_000 });
  await answer(1);
  await answer(2);
  assert.equal(reads(), 2);
  loading.again();
  await answer(3);
  assert.equal(loading.state.value.value, 3);
  loading.stop();
});

Deno.test("a page keeps its last answer when a read fails, and any change reads again", async () => {
  const { loading, answer, change } = reading({ concerns: () => false });
  await answer(1);
  loading.again();
  await answer(new ConnectError("gone", Code.Unavailable));
  const { value, problem } = loading.state.value;
  assert.deepEqual([value, problem?.what], [1, "The control plane does not answer."]);
  change([changeOf("d_9")]);
  await answer(2);
  assert.deepEqual(loading.state.value, { value: 2, problem: undefined });
  loading.stop();
});

Deno.test("a page whose session is over is read no more", async () => {
  const { loading, answer, change, reads } = reading();
  await answer(new ConnectError("over", Code.Unauthenticated));
  assert.equal(loading.state.value.problem?.loggedOut, true);
  change(undefined);
  await settled();
  assert.equal(reads(), 1);
  loading.stop();
});
