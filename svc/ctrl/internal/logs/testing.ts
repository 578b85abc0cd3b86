/** Lines that are stored, and followers that collect them, for the tests of this folder. */
import type { KyselyPlugin } from "kysely";
import { type Clock, systemClock } from "../../../../pkg/clock/mod.ts";
import { newId } from "../../../../pkg/uid/mod.ts";
import { type CtrlDatabase, insertInstanceLogs, type LogLine, timeNsText } from "../store/mod.ts";
import type { LogFollower } from "./mod.ts";

const WAIT_MS_MAX = 60_000;
/** Far more than it takes. */
const CALLS_MAX = 500;

/** A clock whose sleeps end at once and move its time on. */
export interface HastyClock extends Clock {
  /** The lengths of all sleeps, in milliseconds. */
  readonly sleeps: number[];
}

export function hastyClock(): HastyClock {
  let nowMs = 1_760_000_000_000;
  const sleeps: number[] = [];
  return {
    sleeps,
    now: () => nowMs,
    sleep: (ms) => {
      sleeps.push(ms);
      nowMs += ms;
      return Promise.resolve();
    },
  };
}

export function newDeploymentId(): string {
  return newId("deployment", 1);
}

/** Stores lines, each written as its instance and its time: `a 5`. */
export async function print(db: CtrlDatabase, deploymentId: string, ...lines: string[]): Promise<void> {
  const rows = lines.map((text): LogLine => {
    const [instance = "", time = ""] = text.split(" ");
    const [timeNs = "0", ordinal = "0"] = time.split(".");
    return {
      instance,
      timeNs: timeNsText(BigInt(timeNs)),
      ordinal: Number(ordinal),
      region: "local",
      stream: "stdout",
      text,
    };
  });
  await insertInstanceLogs(db.kysely, deploymentId, rows);
}

/** Lines of an instance at these times. */
export function lines(instance: string, from: number, count: number): string[] {
  return Array.from({ length: count }, (_, n) => `${instance} ${from + n}`);
}

/** The lines of one call. */
export async function nextTexts(follower: LogFollower, signal?: AbortSignal): Promise<string[]> {
  const taken = await within(follower.next(signal ?? new AbortController().signal));
  return taken.map(({ text }) => text);
}

/** Reads until `count` lines have come. */
export async function take(follower: LogFollower, count: number): Promise<string[]> {
  const texts: string[] = [];
  for (let calls = 0; texts.length < count; calls++) {
    if (calls === CALLS_MAX) throw new Error(`${texts.length} of ${count} lines have come`);
    texts.push(...await nextTexts(follower));
  }
  return texts;
}

/** The same database; `after` runs when a statement has run, before its result is handed over. */
export function withHook(db: CtrlDatabase, after: () => Promise<void>): CtrlDatabase {
  const hook: KyselyPlugin = {
    transformQuery: ({ node }) => node,
    transformResult: async ({ result }) => {
      await after();
      return result;
    },
  };
  return { ...db, kysely: db.kysely.withPlugin(hook) };
}

/** Turns a wait for ever into a failure. */
export async function within<T>(promise: Promise<T>): Promise<T> {
  const done = new AbortController();
  const late = systemClock().sleep(WAIT_MS_MAX, done.signal).then(() => {
    throw new Error(`Waited ${WAIT_MS_MAX} ms in vain`);
  });
  // Rejects when the wait is over.
  late.catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    done.abort();
  }
}
