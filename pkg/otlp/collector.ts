import { JsonTraceSerializer, ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { describeError } from "../fault/mod.ts";
import type { FORMATS } from "./names.ts";
import { type OtlpSpan, readable } from "./span.ts";

export interface CollectorOptions {
  /** Of the collector's traces, e.g. `http://collector:4318/v1/traces`. */
  readonly url: string;
  /** They may be credentials. */
  readonly headers: Readonly<Record<string, string>>;
  readonly format: (typeof FORMATS)[number];
  /** The sender, e.g. `service.name`. */
  readonly resource: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly fetch: typeof fetch;
}

export type SendOutcome =
  /** Except for `rejected` spans. */
  | { readonly kind: "taken"; readonly rejected: number; readonly message: string }
  /** Another attempt would end the same. */
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "away"; readonly reason: string; readonly retryAfterMs?: number };

export interface Collector {
  /** One attempt. @throws the signal's reason when it aborts */
  send(spans: readonly OtlpSpan[], signal: AbortSignal): Promise<SendOutcome>;
}

const ANSWER_BYTES_MAX = 64 * 1024;
const REASON_LENGTH_MAX = 200;
/** The specification names the answers that are worth another attempt. */
const AWAY: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const RETRY_AFTER_SECONDS_MAX = 300;

export function createCollector(options: CollectorOptions): Collector {
  const [serializer, contentType] = options.format === "http/json"
    ? [JsonTraceSerializer, "application/json"] as const
    : [ProtobufTraceSerializer, "application/x-protobuf"] as const;
  const resource = resourceFromAttributes(options.resource);
  const headers = { ...options.headers, "content-type": contentType };
  return {
    async send(spans, signal) {
      const body = serializer.serializeRequest(spans.map((span) => readable(span, resource)));
      if (body === undefined) return { kind: "refused", reason: "its spans cannot be encoded" };
      try {
        const response = await options.fetch(options.url, {
          method: "POST",
          headers,
          body: new Uint8Array(body),
          redirect: "manual",
          signal: AbortSignal.any([signal, AbortSignal.timeout(options.timeoutMs)]),
        });
        const answer = await readStart(response);
        return response.ok
          ? takenOf(() => serializer.deserializeResponse(answer).partialSuccess)
          : troubleOf(response, answer);
      } catch (error) {
        signal.throwIfAborted();
        return { kind: "away", reason: describeError(error) };
      }
    },
  };
}

/** An answer that cannot be read is none: the spans were taken all the same. */
function takenOf(
  read: () => { readonly rejectedSpans?: number; readonly errorMessage?: string } | undefined,
): SendOutcome {
  try {
    const { rejectedSpans = 0, errorMessage = "" } = read() ?? {};
    // In JSON it is a text.
    return { kind: "taken", rejected: Number(rejectedSpans) || 0, message: shown(errorMessage) };
  } catch {
    return { kind: "taken", rejected: 0, message: "" };
  }
}

function troubleOf({ status, headers }: Response, answer: Uint8Array): SendOutcome {
  // Text of a protobuf message has letters, too; what a person cannot read goes.
  const text = shown(new TextDecoder().decode(answer));
  const reason = text === "" ? `status ${status}` : `status ${status}: ${text}`;
  if (!AWAY.has(status)) return { kind: "refused", reason };
  const seconds = Number(headers.get("retry-after") ?? NaN);
  return seconds > 0
    ? { kind: "away", reason, retryAfterMs: Math.min(seconds, RETRY_AFTER_SECONDS_MAX) * 1_000 }
    : { kind: "away", reason };
}

function shown(text: string): string {
  return text.replace(/[\p{C}\uFFFD]+/gu, " ").trim().slice(0, REASON_LENGTH_MAX);
}

/** The first bytes of an answer; what follows them is not read. */
async function readStart({ body }: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body ?? []) {
    chunks.push(chunk);
    sizeBytes += chunk.length;
    if (sizeBytes >= ANSWER_BYTES_MAX) break;
  }
  return new Uint8Array(
    await new Blob(chunks.map((each) => new Uint8Array(each))).slice(0, ANSWER_BYTES_MAX).arrayBuffer(),
  );
}
