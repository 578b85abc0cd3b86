/**
 * What agents and edges say about themselves, written together.
 *
 * ```ts
 * const book = new AgentBook({ db, clock, log });
 * await book.note({ agentId, region, progress: { appliedVersion: 7, observedVersion: 9 } });
 * await book.close();
 * ```
 *
 * News (an agent that was not known, another version, a NACK) is written at once, and whoever brought it learns when it
 * is. Mere signs of life wait a little and share one statement, so that the database's work does not grow with the
 * number of agents.
 *
 * @module
 */
export { AgentBook, type AgentBookOptions, type AgentNote, type Attendance } from "./book.ts";
