import assert from "node:assert/strict";
import { systemClock } from "../clock/mod.ts";
import { isFault } from "../fault/mod.ts";
import { openRfc2136 } from "./mod.ts";

const never = new AbortController().signal;
const record = { zone: "example.com", name: "_acme-challenge.example.com", value: "v-1" };

/** The pieces in which a server sends its answer to a message. */
type Pieces = (message: Uint8Array) => readonly Uint8Array[];

interface NameServer {
  readonly address: string;
  readonly port: number;
  readonly messages: readonly Uint8Array[];
  [Symbol.asyncDispose](): Promise<void>;
}

/** A server that answers in ways in which a real one does on a bad day. `keeps` leaves connections open. */
function nameServer(pieces: Pieces, { keeps = false } = {}): NameServer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const messages: Uint8Array[] = [];
  const open: Deno.Conn[] = [];
  const serving = (async () => {
    for await (const connection of listener) {
      open.push(connection);
      const buffer = new Uint8Array(4_096);
      const length = await connection.read(buffer) ?? 0;
      const message = buffer.slice(2, length);
      messages.push(message);
      for (const piece of pieces(message)) await connection.write(piece);
      if (!keeps) connection.closeWrite().catch(() => undefined);
    }
  })();
  return {
    address: "127.0.0.1",
    port: listener.addr.port,
    messages,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of open) connection.close();
      await serving;
    },
  };
}

/** An answer to a message, with its length before it. */
function answer(message: Uint8Array, code: number): Uint8Array {
  return Uint8Array.from([0, 12, ...message.subarray(0, 2), 0xa8, code, 0, 0, 0, 0, 0, 0, 0, 0]);
}

function provider(server: NameServer) {
  return openRfc2136({ server, key: undefined, clock: systemClock() });
}

Deno.test("each answer of a name server is recognized by its code", async (t) => {
  const cases: readonly (readonly [number, "unavailable" | "failed_precondition", RegExp])[] = [
    [1, "failed_precondition", /FORMERR/],
    [2, "unavailable", /SERVFAIL/],
    [3, "failed_precondition", /NXDOMAIN/],
    [5, "failed_precondition", /refused to change example\.com: REFUSED/],
    [9, "failed_precondition", /NOTAUTH/],
    [10, "failed_precondition", /NOTZONE/],
    [11, "failed_precondition", /code 11/],
  ];
  for (const [code, fault, text] of cases) {
    await t.step(`${code}`, async () => {
      await using server = nameServer((message) => [answer(message, code)]);
      await assert.rejects(
        provider(server).add(record, never),
        (error) => isFault(error, fault) && text.test(error.message),
      );
    });
  }
});

Deno.test("an answer may come in pieces, and may stay without an end of the connection", async () => {
  await using server = nameServer((message) => {
    const whole = answer(message, 0);
    return [whole.subarray(0, 1), whole.subarray(1, 7), whole.subarray(7)];
  }, { keeps: true });
  await provider(server).add(record, never);
  await provider(server).remove(record, never);
  const [add, remove] = server.messages;
  assert.ok(add !== undefined && remove !== undefined);
  assert.notDeepEqual(add.subarray(2), remove.subarray(2));
  assert.equal(add[11], 0, "a provider without a key does not sign");
});

Deno.test("an answer without an end is an outage, not a success", async (t) => {
  const cases: Readonly<Record<string, Pieces>> = {
    "nothing": () => [],
    "a length only": () => [Uint8Array.from([0, 12])],
    "half of a header": (message) => [answer(message, 0).subarray(0, 8)],
    "less than its length says": (message) => [Uint8Array.from([1, 0, ...answer(message, 0).subarray(2)])],
  };
  for (const [name, pieces] of Object.entries(cases)) {
    await t.step(name, async () => {
      await using server = nameServer(pieces);
      await assert.rejects(
        provider(server).add(record, never),
        (error) => isFault(error, "unavailable") && /without an answer/.test(error.message),
      );
    });
  }
});

Deno.test("a server that stays silent is left with the caller's signal, with its reason", async () => {
  const stop = new AbortController();
  await using server = nameServer(() => {
    stop.abort(new Error("the worker stops"));
    return [];
  }, { keeps: true });
  await assert.rejects(provider(server).add(record, stop.signal), /the worker stops/);
});
