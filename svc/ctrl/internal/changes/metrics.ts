import { CALL_SECONDS, counter, gauge, histogram } from "../../../../pkg/metrics/mod.ts";

/** Numbers of the server side of the feed. */
export const FEED_METRICS = {
  streams: gauge("unkey_feed_streams", "Watch streams of this process."),
  polls: counter("unkey_feed_polls_total", "Polls of the versions of all regions, by code.", ["code"]),
  pollSeconds: histogram("unkey_feed_poll_seconds", "Time of a poll.", CALL_SECONDS),
  versions: gauge("unkey_feed_version", "Newest version of a region's feed, as this process has read it.", [
    "region",
  ]),
};
