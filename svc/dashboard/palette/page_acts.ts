/// <reference lib="dom" />
/** The acts that the page which is shown offers to the palette. */
import { type Signal, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Entry } from "./entry.ts";

/** An act of a page. */
export interface PageAct {
  readonly title: string;
  readonly command: string;
  readonly run: () => void;
}

export type PageActs = Signal<readonly Entry[]>;

export function createPageActs(): PageActs {
  return signal([]);
}

/** Offers acts while the page is shown. @param key another one for other acts */
export function useActs(pageActs: PageActs, key: string, acts: readonly PageAct[]): void {
  useEffect(() => {
    pageActs.value = acts.map(({ title, command, run }) => ({
      kind: "act",
      title,
      command,
      does: { kind: "run", run },
    }));
    return () => {
      pageActs.value = [];
    };
  }, [pageActs, key]);
}
