import assert from "node:assert/strict";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { type GiveDeps, type PodIdentity, variablesGiver } from "./give_variables.ts";

const REQUEST = { token: "token", deploymentId: "d_1", environmentId: "env_1", blob: new Uint8Array() };

Deno.test("only so many tokens are checked at once, and each agent counts its own", async () => {
  const checking = Promise.withResolvers<PodIdentity | undefined>();
  const deps: GiveDeps = { identify: () => checking.promise, find: () => undefined };
  const { signal } = new AbortController();
  const [busy, other] = [variablesGiver(deps), variablesGiver(deps)];
  const asked = Array.from({ length: 64 }, () => busy(REQUEST, signal));
  const answers = Promise.allSettled(asked);
  await assert.rejects(busy(REQUEST, signal), (error) => isFault(error, "rate_limited"));
  const elsewhere = assert.rejects(other(REQUEST, signal), (error) => isFault(error, "unauthenticated"));
  checking.resolve(undefined);
  await elsewhere;
  for (const answer of await answers) {
    assert.ok(answer.status === "rejected" && isFault(answer.reason, "unauthenticated"));
  }
  await assert.rejects(busy(REQUEST, signal), (error) => isFault(error, "unauthenticated"));
});
