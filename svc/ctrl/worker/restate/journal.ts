/**
 * Revisions of journals. A run of a workflow is replayed by the names and the order of its steps, so that a program can
 * go on only with journals whose order it knows. A change of that order makes a new revision (`docs/decisions/0046`).
 */
import { withoutSlash } from "./admin.ts";

/** Runs that begin with this release have journals of this revision. */
export const JOURNAL_WRITTEN = 1;
/** This release runs journals of these: its own, those of the former release, and those of the next one after a way back. */
export const JOURNALS_READ: readonly number[] = [1];

/** The revision of releases that did not name any. */
const JOURNAL_FIRST = 1;
const LAST_SEGMENT = /\/journal\/(\d{1,6})$/;
const IN_REQUEST = /\/journal\/(\d{1,6})\/(?:discover|health|invoke\/[^/]+\/[^/]+)$/;

/** An address at Restate: a worker, and the revision of the journals that it runs there. */
export interface JournalPlace {
  /** Without a slash at its end. */
  readonly worker: string;
  readonly revision: number;
}

/** The address of a worker for journals of a revision. */
export function journalUri(worker: string, revision = JOURNAL_WRITTEN): string {
  return `${withoutSlash(worker)}/journal/${revision}`;
}

export function journalPlace(uri: string): JournalPlace {
  const bare = withoutSlash(uri);
  const revision = LAST_SEGMENT.exec(bare)?.[1];
  if (revision === undefined) return { worker: bare, revision: JOURNAL_FIRST };
  return { worker: bare.replace(LAST_SEGMENT, ""), revision: Number(revision) };
}

/** True when this release can go on with journals of that revision. */
export function readsJournal(revision: number): boolean {
  return JOURNALS_READ.includes(revision);
}

/** The revision that a request of Restate is about. */
export function requestedJournal(pathname: string): number {
  return Number(IN_REQUEST.exec(pathname)?.[1] ?? JOURNAL_FIRST);
}
