/** Sizes of a platform, and the load on it. */
export interface ScaleSize {
  readonly regions: number;
  readonly projects: number;
  /** They run in every region when the load begins; at least one of each project, which a deploy replaces. */
  readonly deployments: number;
  /** New deployments of the load. */
  readonly deploys: number;
  /** Evenly; far more than the platform does is a burst. */
  readonly deploysPerMinute: number;
}

/** The size that the platform is made for, under load for half an hour. */
export const FULL: ScaleSize = {
  regions: 10,
  projects: 1_000,
  deployments: 10_000,
  deploys: 3_000,
  deploysPerMinute: 100,
};

/** As many regions for a minute, at a rate that a machine keeps up with while it does much else. */
export const SHORT: ScaleSize = {
  regions: 10,
  projects: 50,
  deployments: 100,
  deploys: 40,
  deploysPerMinute: 40,
};

const SMALL: ScaleSize = { regions: 3, projects: 100, deployments: 300, deploys: 30, deploysPerMinute: 60 };

/** One of the three grows, the others stay. */
export const GROWTH: Readonly<Record<"regions" | "projects" | "deployments", readonly ScaleSize[]>> = {
  regions: [1, 3, 10].map((regions) => ({ ...SMALL, regions })),
  projects: [10, 100, 300].map((projects) => ({ ...SMALL, projects })),
  deployments: [100, 1_000, 3_000].map((deployments) => ({ ...SMALL, deployments })),
};

/** All at once: the platform is as fast as it can be. */
export const BURST: ScaleSize = { ...SHORT, deploys: 100, deploysPerMinute: 60_000 };

export function regionName(index: number): string {
  return `region-${String(index + 1).padStart(2, "0")}`;
}

/** The size as a command line takes it. */
export function sizeText({ regions, projects, deployments, deploys, deploysPerMinute }: ScaleSize): string {
  return `--regions ${regions} --projects ${projects} --deployments ${deployments} --deploys ${deploys} ` +
    `--per-minute ${deploysPerMinute}`;
}
