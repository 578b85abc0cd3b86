import assert from "node:assert/strict";
import { ROOT_KEY, startControlPlane } from "../shared/testing.ts";
import { newState, type State } from "./data_folder.ts";
import { seed } from "./seed.ts";

const PORTS = { worker: 1, workerHealth: 2, krane: 3 };

interface Seeding {
  /** Regions of new tokens, with their networks. */
  readonly tokens: string[];
  readonly saved: State[];
  run(state: State): Promise<State>;
}

/** Seeds with a control plane that knows nothing of an earlier start. */
async function seeding(test: (seeding: Seeding) => Promise<void>): Promise<void> {
  const tokens: string[] = [];
  const saved: State[] = [];
  await using api = await startControlPlane({
    admin: {
      createWorkspace: () => ({ workspaceId: "ws_1" }),
      createRootKey: () => ({ keyId: "key_1", key: ROOT_KEY }),
      createRegionToken({ region, networks }) {
        tokens.push([region, ...networks].join(" "));
        return { tokenId: `rt_${tokens.length}`, token: `region_${tokens.length}` };
      },
      createProject: () => ({}),
      whoAmI: () => ({ workspaceId: "ws_1", workspaceSlug: "local" }),
    },
  });
  const signal = AbortSignal.timeout(60_000);
  const save = (state: State): Promise<void> => Promise.resolve(void saved.push(state));
  await test({
    tokens,
    saved,
    run: async (state) => (await seed(state, { apiUrl: api.url, project: "app", signal, save })).state,
  });
}

// The fake takes one token of any kind.
const FIRST = { ...newState(PORTS), serviceToken: ROOT_KEY };

Deno.test("the agent of up gets a token for its own network and ports of this machine, once", async () => {
  await seeding(async ({ tokens, saved, run }) => {
    const state = await run(FIRST);
    assert.deepEqual(tokens, ["local 10.128.0.0/10 127.0.0.0/8", "*"]);
    assert.deepEqual([state.regionToken, state.edgeToken], ["region_1", "region_2"]);
    assert.deepEqual(saved.at(-1), state);
    assert.deepEqual(await run(state), state);
    assert.equal(tokens.length, 2);
  });
});

Deno.test("a token that an older version made without networks is replaced, and the edge's stays", async () => {
  await seeding(async ({ tokens, run }) => {
    const before = {
      ...FIRST,
      workspaceId: "ws_1",
      rootKey: ROOT_KEY,
      regionToken: "old",
      edgeToken: "edge",
    };
    const state = await run(before);
    assert.deepEqual(tokens, ["local 10.128.0.0/10 127.0.0.0/8"]);
    assert.deepEqual([state.regionToken, state.edgeToken], ["region_1", "edge"]);
  });
});
