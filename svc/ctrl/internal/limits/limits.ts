/** The limits of a workspace: names, defaults, and the texts of refusals. */

/** Each limit by its name, which is stored. */
export const LIMITS = {
  projects: {
    value: 100,
    about: "projects",
    advice: "Remove projects that are not needed any more",
  },
  environments: {
    value: 1_000,
    about: "environments of all projects",
    advice: 'Delete environments that are not needed any more with "unkey environments delete"',
  },
  variables: {
    value: 10_000,
    about: "variables of all environments",
    advice: 'Remove some with "unkey variables remove"',
  },
  deployments_active: {
    value: 100,
    about: "deployments that wait, build or start at once",
    advice: 'Wait until some have ended, or end them with "unkey cancel"',
  },
  deployments_per_hour: {
    value: 2_000,
    about: "deployments within an hour",
    advice: "Deploy again later",
  },
  runs: {
    value: 20,
    about: "commands that run at once",
    advice: 'Wait until some have ended: "unkey list runs" shows them',
  },
  scaled_instances: {
    value: 200,
    about: "instances of deployments whose number follows the load",
    advice: 'Lower the maximum of some with "unkey scale"',
  },
  streams: {
    value: 200,
    about: "open streams of events and logs at one api",
    advice: "End commands that follow logs or deployments",
  },
  builds: {
    /** The worker's setting, which this process does not know. */
    value: undefined,
    about: "builds at once; others wait in the queue",
    advice: "",
  },
  uploads: {
    value: undefined,
    about: "archives of build contexts that are stored",
    advice: "Each one is deleted a day after its upload: deploy again later",
  },
  upload_bytes: {
    value: undefined,
    about: "bytes of build contexts that are stored",
    advice:
      "Content that no build uses is deleted after a week: deploy again later, or name files that the builds do " +
      "not need in .dockerignore",
  },
} as const satisfies Readonly<Record<string, LimitFacts>>;

interface LimitFacts {
  /** Unless an operator sets another one for the workspace; `undefined`: a setting of the api or the worker. */
  readonly value: number | undefined;
  /** The things that are counted. */
  readonly about: string;
  /** A sentence without its end. */
  readonly advice: string;
}

export type LimitName = keyof typeof LIMITS;

/** Limits with a default of their own. */
export type CountedLimit = {
  [N in LimitName]: (typeof LIMITS)[N]["value"] extends number ? N : never;
}[LimitName];

/** All names, in the order in which they are shown. */
export const LIMIT_NAMES = Object.keys(LIMITS).filter(isLimitName);

/** True for the name of a limit. */
export function isLimitName(name: string): name is LimitName {
  return Object.hasOwn(LIMITS, name);
}

/** Limits of archives of build contexts: settings of the api. */
export interface UploadLimits {
  /** Bytes of one. */
  readonly bytesMax: number;
  /** Bytes of all that a workspace has stored; uploads expire after a day. */
  readonly workspaceBytesMax: number;
  /** Number of uploads that a workspace may have stored. */
  readonly workspaceCountMax: number;
}
