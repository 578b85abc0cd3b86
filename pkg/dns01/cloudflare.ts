import { z } from "zod";
import { Fault } from "../fault/mod.ts";
import type { Secret } from "../secret/mod.ts";
import { quoteTxt, readTxt } from "./txt_text.ts";
import { type DnsProvider, REQUEST_MS_MAX, TTL_SECONDS, type TxtRecord } from "./provider.ts";

export interface CloudflareOptions {
  /** May edit the records of the zones. */
  readonly token: Secret;
  /** Default: Cloudflare's own. */
  readonly url?: string | undefined;
}

const URL_DEFAULT = "https://api.cloudflare.com/client/v4";
const ANSWER_CHARACTERS_MAX = 1_000_000;
/** "An identical record already exists." and "Record does not exist.": another writer did it in between. */
const DONE_BEFORE = { GET: undefined, POST: 81058, DELETE: 81044 } as const;

const envelope = z.object({
  success: z.boolean(),
  errors: z.array(z.object({ code: z.number(), message: z.string() })).default([]),
  result: z.unknown(),
});
const withIds = z.array(
  z.object({ id: z.string().regex(/^[A-Za-z0-9]{1,64}$/), content: z.string().optional() }),
);

interface Call {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
}

/** Cloudflare's REST API, version 4. */
export function openCloudflare({ token, url = URL_DEFAULT }: CloudflareOptions): DnsProvider {
  const call = async ({ method, path, body }: Call, signal: AbortSignal): Promise<unknown> => {
    const answer = await fetchText(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token.reveal()}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }, signal);
    const parsed = envelope.safeParse(jsonOf(answer.text));
    if (
      parsed.success &&
      (parsed.data.success || parsed.data.errors.some(({ code }) => code === DONE_BEFORE[method]))
    ) {
      return parsed.data.result;
    }
    const why = parsed.data?.errors.map(({ code, message }) => `${message} (${code})`).join("; ");
    const text = `Cloudflare answered ${method} ${path.split("?")[0]} with ${answer.status}: ${
      why ?? "no reason"
    }`;
    const isFinal = answer.status >= 400 && answer.status < 500 && answer.status !== 429;
    throw new Fault(isFinal ? "failed_precondition" : "unavailable", text);
  };

  const zonePath = async (zone: string, signal: AbortSignal): Promise<string> => {
    const zones = withIds.safeParse(
      await call({ method: "GET", path: `/zones?name=${encodeURIComponent(zone)}` }, signal),
    );
    const id = zones.data?.[0]?.id;
    if (id === undefined) {
      throw new Fault("failed_precondition", `Cloudflare has no zone ${zone} for this token`);
    }
    return `/zones/${id}/dns_records`;
  };

  return {
    async add({ zone, name, value }: TxtRecord, signal) {
      const body = { type: "TXT", name, content: quoteTxt(value), ttl: TTL_SECONDS };
      await call({ method: "POST", path: await zonePath(zone, signal), body }, signal);
    },
    async remove({ zone, name, value }: TxtRecord, signal) {
      const path = await zonePath(zone, signal);
      const found = withIds.safeParse(
        await call({ method: "GET", path: `${path}?type=TXT&name=${encodeURIComponent(name)}` }, signal),
      );
      for (const { id, content } of found.data ?? []) {
        if (content !== undefined && readTxt(content) === value) {
          await call({ method: "DELETE", path: `${path}/${id}` }, signal);
        }
      }
    },
  };
}

async function fetchText(
  url: string,
  init: RequestInit,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly text: string }> {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS_MAX)]);
    const response = await fetch(url, { ...init, redirect: "error", signal: limit });
    let text = "";
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      if (text.length > ANSWER_CHARACTERS_MAX) throw new Error("the answer is too long");
    }
    return { status: response.status, text };
  } catch (error) {
    signal.throwIfAborted();
    throw new Fault("unavailable", "Cloudflare does not answer", { cause: error });
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
