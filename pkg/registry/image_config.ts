import { z } from "zod";

/** The parts of an image's configuration that decide how it is run (OCI image specification, "Image Configuration"). */
export interface ImageConfig {
  /** TCP ports, in ascending order. */
  readonly exposedPorts: readonly number[];
  readonly healthCheck?: ImageHealthCheck;
  /** Folders that are meant to outlive the container. */
  readonly volumes: readonly string[];
  /** `user` or `user:group`, by name or number; empty: root. */
  readonly user: string;
  /** Empty: SIGTERM. */
  readonly stopSignal: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
}

/** A `HEALTHCHECK` of the Dockerfile. Times in milliseconds; 0: the default. */
export interface ImageHealthCheck {
  /** The program and its arguments; a shell's line is an argument of the image's `SHELL`, or of `/bin/sh -c`. */
  readonly command: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly retries: number;
}

const NANOSECONDS_PER_MS = 1_000_000;
const PORTS_MAX = 100;
const VOLUMES_MAX = 100;
const SHELL_DEFAULT = ["/bin/sh", "-c"];

const words = z.array(z.string()).nullish().transform((value) => value ?? []);
const time = z.number().nullish().transform((value) =>
  Math.max(0, Math.round((value ?? 0) / NANOSECONDS_PER_MS))
);

/** The same keys in a registry's configuration and in an engine's answer. */
export const IMAGE_CONFIG = z.object({
  ExposedPorts: z.record(z.string(), z.unknown()).nullish(),
  Volumes: z.record(z.string(), z.unknown()).nullish(),
  Healthcheck: z.object({ Test: words, Interval: time, Timeout: time, Retries: z.number().nullish() })
    .nullish(),
  User: z.string().nullish(),
  StopSignal: z.string().nullish(),
  Entrypoint: words,
  Cmd: words,
  /** Of images that Docker has built. */
  Shell: words,
}).transform((raw): ImageConfig => {
  const healthCheck = raw.Healthcheck === null || raw.Healthcheck === undefined
    ? undefined
    : healthCheckOf(raw.Healthcheck, raw.Shell);
  return {
    exposedPorts: tcpPorts(Object.keys(raw.ExposedPorts ?? {})),
    ...(healthCheck === undefined ? {} : { healthCheck }),
    volumes: Object.keys(raw.Volumes ?? {}).toSorted().slice(0, VOLUMES_MAX),
    user: raw.User ?? "",
    stopSignal: raw.StopSignal ?? "",
    entrypoint: raw.Entrypoint,
    command: raw.Cmd,
  };
});

function tcpPorts(exposed: readonly string[]): number[] {
  const ports = exposed.flatMap((each) => {
    const [, port = "", protocol = "tcp"] = /^(\d{1,5})(?:\/([a-z]+))?$/.exec(each) ?? [];
    return protocol === "tcp" && Number(port) > 0 && Number(port) <= 65_535 ? [Number(port)] : [];
  });
  return ports.toSorted((a, b) => a - b).slice(0, PORTS_MAX);
}

function healthCheckOf(
  { Test: [kind = "", ...rest], Interval: intervalMs, Timeout: timeoutMs, Retries }: {
    readonly Test: readonly string[];
    readonly Interval: number;
    readonly Timeout: number;
    readonly Retries?: number | null | undefined;
  },
  shell: readonly string[],
): ImageHealthCheck | undefined {
  // `NONE` and an empty test take the base image's check away.
  if (rest.length === 0 || (kind !== "CMD" && kind !== "CMD-SHELL")) return undefined;
  const command = kind === "CMD" ? rest : [...(shell.length === 0 ? SHELL_DEFAULT : shell), ...rest];
  return { command, intervalMs, timeoutMs, retries: Math.max(0, Retries ?? 0) };
}
