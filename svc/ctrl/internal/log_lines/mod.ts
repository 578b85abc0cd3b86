/**
 * Lines of output as apps print them: their levels, the JSON of structured ones, and their words.
 *
 * ```ts
 * readLine('{"level":"warn","msg":"slow","ms":812}'); // { level: "warn", message: "slow", fields: { ms: 812 } }
 * readLine("[error] 7#7: no upstream").level;         // "error"
 *
 * const filter = wordFilterOf(lines);                 // a few bytes for each word
 * const wanted = searchText("connection refused");
 * const mayMatch = wanted.probes.every(({ position, mask }) => filter[position % filter.length] & mask);
 * ```
 *
 * @module
 */
export { isAtLeast, type Level, levelMask, LEVELS, maskFrom } from "./level.ts";
export { type ReadLine, readLine } from "./line.ts";
export { type SearchText, searchText } from "./search_text.ts";
export { type Probe, wordFilterOf } from "./word_filter.ts";
