/** Tables of the output of instances. */

/** Lines that an instance printed one after the other, compressed. Kept for a bounded number of bytes per deployment. */
export interface LogBlocksTable {
  deployment_id: string;
  instance: string;
  /** Decimal nanoseconds, padded to 20 digits so that text sorts by time. */
  last_time_ns: string;
  last_ordinal: number;
  first_time_ns: string;
  region: string;
  line_count: number;
  /** Its share of the bound of its deployment. */
  size_bytes: number;
  /** See `log_block.ts`. */
  body: Uint8Array;
}

/** Levels and words of a block, for searches. A block of an older release has none, and is read instead. */
export interface LogBlockWordsTable {
  deployment_id: string;
  last_time_ns: string;
  region: string;
  instance: string;
  last_ordinal: number;
  /** One bit for each level of its lines. */
  levels: number;
  /** A Bloom filter, see `log_lines/word_filter.ts`. */
  words: Uint8Array;
}

export interface LogTables {
  log_blocks: LogBlocksTable;
  log_block_words: LogBlockWordsTable;
}
