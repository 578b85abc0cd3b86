/**
 * Files that a process keeps for its next start: whole after a crash or a power cut, and read by their owner only.
 *
 * ```ts
 * await keepPrivate(folder);
 * await writeWhole(join(folder, "state.json"), text);
 * if ((await bytesFree(folder) ?? Infinity) < bytesMin) throw publicFault("unavailable", "The disk is nearly full.");
 * ```
 *
 * @module
 */
export { bytesFree } from "./free.ts";
export { keepFilePrivate, keepPrivate } from "./private.ts";
export { syncFolder, writeWhole } from "./whole.ts";
