import type { Clock } from "../clock/mod.ts";
import type { Server } from "../dns/mod.ts";
import { Fault } from "../fault/mod.ts";
import type { Secret } from "../secret/mod.ts";
import { type DnsProvider, REQUEST_MS_MAX, type TxtRecord } from "./provider.ts";
import { concat, type Update, updateMessage } from "./update_message.ts";

/** Signatures of updates, by the hash that each uses. */
export const TSIG_ALGORITHMS = {
  "hmac-sha256": "sha256",
  "hmac-sha384": "sha384",
  "hmac-sha512": "sha512",
} as const;
export type TsigAlgorithm = keyof typeof TSIG_ALGORITHMS;

/** A key that the server knows too. */
export interface TsigKey {
  readonly name: string;
  readonly algorithm: TsigAlgorithm;
  /** Base64. */
  readonly secret: Secret;
}

export interface Rfc2136Options {
  readonly server: Server;
  readonly key: TsigKey | undefined;
  readonly clock: Clock;
}

const HEADER_BYTES = 12;
const ANSWER_BYTES_MAX = 65_535;
const RCODES: Readonly<Record<number, string>> = {
  1: "FORMERR",
  2: "SERVFAIL",
  3: "NXDOMAIN",
  4: "NOTIMP",
  5: "REFUSED",
  8: "NXRRSET",
  9: "NOTAUTH",
  10: "NOTZONE",
};
const SERVFAIL = 2;

/**
 * Dynamic updates at the primary server of the zones, over TCP. The signature of its answer is not checked: what it did
 * is read back from the zone's servers before an authority looks.
 */
export function openRfc2136({ server, key, clock }: Rfc2136Options): DnsProvider {
  const change = async (record: TxtRecord, kind: Update["change"], signal: AbortSignal): Promise<void> => {
    const id = crypto.getRandomValues(new Uint16Array(1))[0] ?? 0;
    const signature = key === undefined ? undefined : {
      keyName: key.name,
      algorithm: key.algorithm,
      hash: TSIG_ALGORITHMS[key.algorithm],
      secret: Uint8Array.fromBase64(key.secret.reveal()),
      atMs: clock.now(),
    };
    const answer = await exchange(server, updateMessage({ id, change: kind, record }, signature), signal);
    const code = (answer[3] ?? 0) & 0xf;
    if (code === 0) return;
    const text = `the name server refused to change ${record.zone}: ${RCODES[code] ?? `code ${code}`}`;
    throw new Fault(code === SERVFAIL ? "unavailable" : "failed_precondition", text);
  };
  return {
    add: (record, signal) => change(record, "add", signal),
    remove: (record, signal) => change(record, "remove", signal),
  };
}

/** Sends one message over TCP and reads the answer. */
async function exchange(
  { address, port }: Server,
  message: Uint8Array,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS_MAX)]);
  try {
    using connection = await Deno.connect({ hostname: address, port, signal: limit });
    const close = (): void => void connection.closeWrite().catch(() => undefined);
    limit.addEventListener("abort", close, { once: true });
    try {
      const writer = connection.writable.getWriter();
      await writer.write(concat(new Uint8Array([message.length >>> 8, message.length & 0xff]), message));
      return await answerOf(connection.readable.getReader(), limit);
    } finally {
      limit.removeEventListener("abort", close);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Fault) throw error;
    throw new Fault("unavailable", `the name server at ${address}:${port} does not answer`, { cause: error });
  }
}

async function answerOf(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  limit: AbortSignal,
): Promise<Uint8Array> {
  const cancel = (): void => void reader.cancel(limit.reason).catch(() => undefined);
  limit.addEventListener("abort", cancel, { once: true });
  try {
    let received = new Uint8Array(0);
    for (;;) {
      limit.throwIfAborted();
      const { done, value } = await reader.read();
      if (done) throw new Fault("unavailable", "the name server closed the connection without an answer");
      received = Uint8Array.from(concat(received, value));
      const length = 2 + (received[0] ?? 0) * 256 + (received[1] ?? 0);
      if (received.length > ANSWER_BYTES_MAX + 2) {
        throw new Fault("unavailable", "the name server's answer is too long");
      }
      if (received.length >= 2 + HEADER_BYTES && received.length >= length) return received.subarray(2);
    }
  } finally {
    limit.removeEventListener("abort", cancel);
  }
}
