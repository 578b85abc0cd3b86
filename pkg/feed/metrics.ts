import { counter, gauge } from "../metrics/mod.ts";

/** Numbers of a client of the feed: an agent or an edge. */
export const WATCH_METRICS = {
  connected: gauge("unkey_watch_connected", "1 while the stream of a watch is open and had a message.", [
    "watch",
  ]),
  cursor: gauge("unkey_watch_cursor", "Version up to which everything was applied or quarantined.", [
    "watch",
  ]),
  observed: gauge("unkey_watch_observed", "Newest version that was received.", ["watch"]),
  ends: counter(
    "unkey_watch_streams_total",
    "Streams of a watch that ended, by code; ok: the server ended it.",
    [
      "watch",
      "code",
    ],
  ),
};
