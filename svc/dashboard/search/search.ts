/// <reference lib="dom" />
/** One search: its lines, those before them, and those that are printed meanwhile. */
import { type Signal, signal } from "@preact/signals";
import type { SearchLogsResponse } from "../../../proto/gen/ctrl/v1/log_search_pb.ts";
import { type Api, soon } from "../api/clients.ts";
import { type Problem, problemOf } from "../api/problem.ts";
import { pause, type Visibility, whileVisible } from "../api/visible.ts";
import { isLinked, parseLink } from "../logs/link.ts";
import { FOUND_MAX, type FoundLine, linesOf, withNewer } from "./found.ts";
import { type LogQuery, rangeOf } from "./query.ts";

export interface SearchState {
  /** Oldest first. */
  readonly lines: readonly FoundLine[];
  /** Lines that came before the first ones. */
  readonly earlier: number;
  readonly isReading: boolean;
  /** Of the next earlier lines; empty: there are none. */
  readonly cursor: string;
  /** With a cursor: output of this time or later was searched. */
  readonly searchedSinceMs: number;
  readonly deploymentsLeftOut: boolean;
  readonly problem: Problem | undefined;
}

export interface SearchOptions {
  readonly api: {
    readonly deployments: Pick<Api["deployments"], "searchLogs">;
    readonly clock: Api["clock"];
  };
  readonly page: Visibility;
  readonly query: LogQuery;
  /** The wait between two looks for new lines, in milliseconds. */
  readonly everyMs?: number;
}

const PAGE = 500;
/** Calls of one search: each does bounded work, and may find nothing in it. */
const CALLS_MAX = 5;
const EVERY_MS = 2_000;
/** Lines that come later than others of their time. */
const LATE_MS = 15_000;
/** Without any line, new ones are looked for so far back. */
const BACK_MS = 60_000;

export class LogSearch {
  readonly state: Signal<SearchState> = signal({
    lines: [],
    earlier: 0,
    isReading: false,
    cursor: "",
    searchedSinceMs: 0,
    deploymentsLeftOut: false,
    problem: undefined,
  });
  readonly #options: SearchOptions;
  readonly #stop = new AbortController();
  #following: AbortController | undefined;
  /** Relative times are those of the begin. */
  readonly #range: ReturnType<typeof rangeOf>;

  constructor(options: SearchOptions) {
    this.#options = options;
    this.#range = rangeOf(options.query, options.api.clock.now());
  }

  /** Reads the newest lines, or those before the first one. A linked line is looked for. */
  async earlier(): Promise<void> {
    if (this.state.value.isReading) return;
    this.#set({ isReading: true, problem: undefined });
    try {
      for (let calls = 1, found = 0; calls <= CALLS_MAX; calls++) {
        const answer = await this.#ask({ cursor: this.state.value.cursor });
        found += this.#takeEarlier(answer);
        if (answer.cursor === "" || this.state.value.lines.length >= FOUND_MAX) break;
        if (found >= PAGE && !this.#isLinkMissing()) break;
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#set({ problem: problemOf(error, "The search failed.") });
    }
    this.#set({ isReading: false });
  }

  /** Looks for new lines every two seconds while the page is shown, until `unfollow`. */
  follow(): void {
    if (this.#following !== undefined) return;
    const following = this.#following = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, following.signal]);
    const everyMs = this.#options.everyMs ?? EVERY_MS;
    whileVisible(this.#options.page, signal, async (shown) => {
      while (!shown.aborted) {
        await this.#later(shown).catch((error: unknown) => {
          if (!shown.aborted) this.#set({ problem: problemOf(error, "New lines cannot be read.") });
        });
        if (this.state.value.problem?.loggedOut === true) return;
        await pause(everyMs, shown);
      }
    }).catch((error: unknown) => this.#set({ problem: problemOf(error, "New lines cannot be read.") }));
  }

  unfollow(): void {
    this.#following?.abort();
    this.#following = undefined;
  }

  stop(): void {
    this.#stop.abort();
  }

  async #later(signal: AbortSignal): Promise<void> {
    const last = this.state.value.lines.at(-1)?.atMs;
    const sinceMs = Math.max(
      this.#range.sinceMs,
      last === undefined ? this.#options.api.clock.now() - BACK_MS : last - LATE_MS,
    );
    const newer: FoundLine[] = [];
    for (let calls = 1, cursor = ""; calls <= CALLS_MAX; calls++) {
      const answer = await this.#ask({ cursor, sinceMs }, signal);
      newer.unshift(...linesOf(answer));
      cursor = answer.cursor;
      if (cursor === "") break;
    }
    const before = this.state.value;
    const all = withNewer(before.lines, newer, sinceMs);
    const gone = Math.max(0, all.length - FOUND_MAX);
    this.#set({
      lines: gone === 0 ? all : all.slice(gone),
      earlier: before.earlier - gone,
      problem: undefined,
    });
  }

  #ask(
    { cursor, sinceMs = this.#range.sinceMs }: { readonly cursor: string; readonly sinceMs?: number },
    signal: AbortSignal = this.#stop.signal,
  ): Promise<SearchLogsResponse> {
    const { deployment, project, environment, text, level, region, instance } = this.#options.query;
    return this.#options.api.deployments.searchLogs({
      deploymentId: deployment,
      projectId: project,
      environmentSlug: environment,
      text,
      level,
      region,
      instance,
      since: BigInt(sinceMs),
      until: BigInt(this.#range.untilMs),
      limit: PAGE,
      cursor,
    }, soon(signal));
  }

  #takeEarlier(answer: SearchLogsResponse): number {
    const { lines, earlier } = this.state.value;
    const found = linesOf(answer);
    this.#set({
      lines: [...found, ...lines],
      earlier: earlier + found.length,
      cursor: answer.cursor,
      searchedSinceMs: Number(answer.searchedSince),
      deploymentsLeftOut: answer.deploymentsLeftOut,
    });
    return found.length;
  }

  #isLinkMissing(): boolean {
    const link = parseLink(this.#options.query.line);
    return link !== undefined && !this.state.value.lines.some((line) => isLinked(line, link));
  }

  #set(changes: Partial<SearchState>): void {
    this.state.value = { ...this.state.value, ...changes };
  }
}
