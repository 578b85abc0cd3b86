import { Code, ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { randomBytes } from "../../pkg/content/testing.ts";
import { startApi, type TestApi } from "../../svc/ctrl/services/testing.ts";
import { entriesOf, keysOf, type Sent, UploadFixture } from "./upload_fixture.ts";

const WORKERS = 4;
const MIB = 1 << 20;
/** A pack is closed when it holds 4 MiB, which may be one chunk of this size less than 8 MiB. */
const PACK_BYTES = 5 * MIB;

/** Files of 1 MiB, each of which is one chunk that cannot be deflated. */
function files(count: number): Record<string, Uint8Array> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, seed) => [`f${seed}`, randomBytes(MIB, seed * 2 + 1)]),
  );
}

function start(): Promise<TestApi> {
  return startApi({ uploadContentMax: 100, uploadsSizeMax: 1_000 });
}

function succeeded(sent: Sent): Sent {
  assert.equal(sent.error, undefined);
  assert.match(sent.path ?? "", /^context\//);
  return sent;
}

Deno.test("uploadChunks() sends each chunk once, also of files that are the same", async () => {
  await using api = await start();
  const same = randomBytes(3 * MIB, 99);
  await using folder = await UploadFixture.create(api, "acme", { ...files(10), "a/1": same, "b/2": same });
  const sent = succeeded(await folder.send());
  const expected = new Set([
    ...sent.manifest,
    ...entriesOf(sent).flatMap(({ chunks }) => chunks.map(({ digest }) => String.fromCharCode(...digest))),
  ]);
  assert.deepEqual(keysOf(sent).toSorted(), [...expected].toSorted());
  assert.equal(sent.puts, sent.packs.length);
  assert.ok(sent.bytes < 13.1 * MIB, `${sent.bytes} bytes`);
});

Deno.test("an upload that was interrupted goes on where it was", async (t) => {
  await using api = await start();
  const packs = 10;
  for (const percent of [10, 50, 90]) {
    await t.step(`at ${percent} %`, async () => {
      await using folder = await UploadFixture.create(api, `acme-${percent}`, files(packs * 4));
      const abort = new AbortController();
      const first = await folder.send({
        signal: abort.signal,
        onStored: (count) => {
          if (count === packs * percent / 100) abort.abort(new Error("Ctrl-C"));
        },
      });
      assert.match(String(first.error), /Ctrl-C/);
      const second = succeeded(await folder.send());
      const twice = first.bytes + second.bytes - packs * 4 * MIB;
      assert.ok(twice < WORKERS * PACK_BYTES, `${twice} bytes were sent twice`);
      const keys = new Set(keysOf(first));
      assert.ok(keysOf(second).every((key) => !keys.has(key)), "a committed chunk is not sent again");
    });
  }
});

Deno.test("uploadChunks() ends all workers when one fails", async (t) => {
  await using api = await start();
  await using folder = await UploadFixture.create(api, "acme", files(40));
  await t.step("while they send", async () => {
    const all = Promise.withResolvers<void>();
    const sent = await folder.send({
      onPut: async (count, ended) => {
        if (count === WORKERS) all.resolve();
        if (count > 1 && count <= WORKERS) await ended;
        await all.promise;
        return new Response("no", { status: 403 });
      },
    });
    assert.match(String(sent.error), /refused the upload with 403: no/);
    assert.equal(sent.puts, WORKERS + 1, "one of each worker, and another place for the refused one");
  });
  await t.step("while they wait for another attempt", async () => {
    let offers = 0;
    const sent = await folder.send({
      sleep: (_ms, signal) =>
        new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason))),
      client: () => ({
        createPacks: () => {
          offers++;
          const code = offers === WORKERS ? Code.PermissionDenied : Code.Unavailable;
          return Promise.reject(new ConnectError("not now", code));
        },
      }),
    });
    assert.match(String(sent.error), /permission_denied/);
    assert.equal(offers, WORKERS);
  });
});

Deno.test("uploadChunks() asks for another place when a pack's place is not valid any more", async (t) => {
  await using api = await start();
  await t.step("an expired URL", async () => {
    await using folder = await UploadFixture.create(api, "acme", files(1));
    const sent = succeeded(
      await folder.send({
        onPut: (count) => count === 1 ? new Response("Request has expired", { status: 403 }) : undefined,
      }),
    );
    assert.equal(sent.puts, 2);
  });
  await t.step("a pack that was collected", async () => {
    await using folder = await UploadFixture.create(api, "globex", files(1));
    let commits = 0;
    const sent = succeeded(
      await folder.send({
        client: (real) => ({
          commitPacks: (request, options) => {
            const { projectId = "" } = request;
            return real.commitPacks(
              commits++ === 0 ? { projectId, packs: [{ packId: "pack_gone" }] } : request,
              options,
            );
          },
        }),
      }),
    );
    assert.deepEqual({ puts: sent.puts, commits }, { puts: 2, commits: 2 });
  });
});

Deno.test("uploadChunks() survives a control plane that restarts before or after it commits a pack", async () => {
  await using api = await start();
  await using folder = await UploadFixture.create(api, "acme", files(1));
  let commits = 0;
  const restarting = new ConnectError("restarting", Code.Unavailable);
  const sent = succeeded(
    await folder.send({
      client: (real) => ({
        commitPacks: async (request, options) => {
          commits++;
          if (commits === 1) throw restarting;
          const answer = await real.commitPacks(request, options);
          if (commits === 2) throw restarting;
          return answer;
        },
      }),
    }),
  );
  assert.deepEqual({ puts: sent.puts, commits }, { puts: 1, commits: 3 });
});

Deno.test("uploadChunks() reports the share that is sent, also within a pack", async () => {
  await using api = await start();
  await using folder = await UploadFixture.create(api, "acme", files(3));
  const { shares, puts } = succeeded(await folder.send());
  assert.equal(puts, 1);
  assert.ok(new Set(shares).size > 40, `${shares.length} shares`);
  assert.deepEqual(shares, shares.toSorted((a, b) => a - b));
  assert.equal(shares.at(-1), 1);
});
