import { isIPv4 } from "node:net";
import { describeError } from "../../../pkg/fault/mod.ts";
import type { Server } from "../../../pkg/dns/mod.ts";
import { isPrivate } from "./addresses.ts";

const QUESTION_MS_MAX = 5_000;

export interface NameToAsk {
  readonly asked: string;
  /** The name of the record that gives the answer. */
  readonly record: string;
}

export interface OwnAddresses {
  readonly addresses: readonly string[];
  /** True if the operator named them; else they are those of the interfaces. */
  readonly isTold: boolean;
}

export interface DnsOptions {
  readonly names: readonly NameToAsk[];
  readonly own: OwnAddresses;
  readonly resolver: Server | undefined;
}

/** The addresses of a name, or the reason why they are not known. */
export type Answer = { readonly addresses: readonly string[] } | { readonly error: string };

/** A text per name that does not lead here, and one with the records to set. */
export async function dnsNotices(
  { names, own, resolver }: DnsOptions,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const answers = await Promise.all(names.map(async ({ asked, record }) => ({
    record,
    answer: await addressesOf(asked, resolver, signal),
  })));
  return noticesOf(answers, own);
}

/** The same, of answers that are known. */
export function noticesOf(
  answers: readonly { readonly record: string; readonly answer: Answer }[],
  own: OwnAddresses,
): readonly string[] {
  const texts: string[] = [];
  const wrong: string[] = [];
  for (const { record, answer } of answers) {
    const problem = problemOf(answer, own);
    if (problem === undefined) continue;
    texts.push(`${record} ${problem}`);
    if (!("error" in answer)) wrong.push(record);
  }
  const records = recordsFor(wrong, own);
  return records === "" ? texts : [...texts, records];
}

function problemOf(answer: Answer, { addresses: own, isTold }: OwnAddresses): string | undefined {
  if ("error" in answer) return `could not be asked for: ${answer.error}`;
  if (answer.addresses.length === 0) return "has no address.";
  const foreign = answer.addresses.filter((each) => !own.includes(each.toLowerCase()));
  if (foreign.length === 0) return undefined;
  const list = foreign.join(" and ");
  if (!isTold && own.every(isPrivate)) {
    return `leads to ${list}, and this machine has private addresses only (${own.join(", ") || "none"}). ` +
      `If a router forwards to it, say so with --public-address ${foreign.join(",")}.`;
  }
  const isOneOfMany = foreign.length < answer.addresses.length;
  return isOneOfMany
    ? `leads to ${list}, too, which is not this machine: browsers and authorities may go there. Remove that record.`
    : `leads to ${list}, which is not this machine (${own.join(", ")}).`;
}

/** The records that would lead the names here. */
function recordsFor(names: readonly string[], { addresses, isTold }: OwnAddresses): string {
  const reachable = isTold ? addresses : addresses.filter((each) => !isPrivate(each));
  if (names.length === 0 || reachable.length === 0) return "";
  const lines = names.flatMap((name) =>
    reachable.map((address) => `    ${name}. ${isIPv4(address) ? "A" : "AAAA"} ${address}`)
  );
  return `Set these records; certificates come by themselves when they are there:\n${lines.join("\n")}`;
}

async function addressesOf(
  name: string,
  resolver: Server | undefined,
  signal: AbortSignal,
): Promise<Answer> {
  try {
    const types = ["A", "AAAA"] as const;
    return {
      addresses: (await Promise.all(types.map((type) => ask(name, type, { resolver, signal })))).flat(),
    };
  } catch (error) {
    return { error: describeError(error) };
  }
}

async function ask(
  name: string,
  type: "A" | "AAAA",
  { resolver, signal }: { readonly resolver: Server | undefined; readonly signal: AbortSignal },
): Promise<readonly string[]> {
  try {
    return await Deno.resolveDns(name, type, {
      ...resolver === undefined ? {} : { nameServer: { ipAddr: resolver.address, port: resolver.port } },
      signal: AbortSignal.any([signal, AbortSignal.timeout(QUESTION_MS_MAX)]),
    });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
