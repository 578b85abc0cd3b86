import type { LogTables } from "./mod.ts";

/** One row of each table of output. */
export const LOG_ROWS: LogTables = {
  log_blocks: {
    deployment_id: "d",
    instance: "pod",
    last_time_ns: "01760000000000000000",
    last_ordinal: 0,
    first_time_ns: "01760000000000000000",
    region: "local",
    line_count: 1,
    size_bytes: 256,
    body: new Uint8Array([0, 255]),
  },
  log_block_words: {
    deployment_id: "d",
    last_time_ns: "01760000000000000000",
    region: "local",
    instance: "pod",
    last_ordinal: 0,
    levels: 8,
    words: new Uint8Array([0, 255]),
  },
};
