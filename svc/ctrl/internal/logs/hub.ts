import type { Clock } from "../../../../pkg/clock/mod.ts";
import type { CtrlDatabase, LogCursor } from "../store/mod.ts";
import type { BufferBounds } from "./buffer.ts";
import { LogFeed, type Pace } from "./feed.ts";
import { BEHIND, LogFollower } from "./follower.ts";

export interface LogHubOptions {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly pace?: Pace;
  readonly bounds?: BufferBounds;
}

const PACE: Pace = { readMsMin: 200, pollMs: 500, pollMsMax: 2_000 };
/** Of each deployment that is followed. */
const BOUNDS: BufferBounds = { linesMax: 2_000, charsMax: 1_000_000 };

/** The followers of all deployments in this process; those of one deployment share its reads. */
export class LogHub {
  readonly #options: LogHubOptions;
  readonly #feeds = new Map<string, LogFeed>();

  constructor(options: LogHubOptions) {
    this.#options = options;
  }

  /** Deployments with followers. */
  get followed(): number {
    return this.#feeds.size;
  }

  /** Lines were stored: they are read at once if the deployment has followers. */
  reported(deploymentId: string): void {
    this.#feeds.get(deploymentId)?.report();
  }

  /** Follows a deployment's output from a cursor on. */
  follow(deploymentId: string, cursor: LogCursor): LogFollower {
    const known = this.#feeds.get(deploymentId);
    const feed = known ?? this.#begin(deploymentId, cursor);
    // The feed of the first begins at its cursor.
    const position = known === undefined ? 0 : BEHIND;
    const follower = new LogFollower(feed, { cursor, position }, async () => {
      if (!feed.readers.delete(follower) || feed.readers.size > 0) return;
      this.#feeds.delete(deploymentId);
      await feed.close();
    });
    feed.readers.add(follower);
    return follower;
  }

  #begin(deploymentId: string, cursor: LogCursor): LogFeed {
    const { db, clock, pace = PACE, bounds = BOUNDS } = this.#options;
    const feed = new LogFeed({ db, clock, deploymentId, pace, bounds }, cursor);
    this.#feeds.set(deploymentId, feed);
    return feed;
  }
}
