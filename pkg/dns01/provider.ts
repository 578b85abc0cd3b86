/** One value of a TXT record. Names have no dot at their end. */
export interface TxtRecord {
  /** The zone that the name is in. */
  readonly zone: string;
  readonly name: string;
  readonly value: string;
}

/** Changes the records of zones. Each call may be repeated, and leaves other values of the name alone. */
export interface DnsProvider {
  /** @throws `unavailable` when it did not come to an end, `failed_precondition` when it was refused */
  add(record: TxtRecord, signal: AbortSignal): Promise<void>;
  remove(record: TxtRecord, signal: AbortSignal): Promise<void>;
}

/** Seconds that others may keep a record. */
export const TTL_SECONDS = 60;
/** For each request to a provider. */
export const REQUEST_MS_MAX = 30_000;
