import type { Clock } from "../../../../../pkg/clock/mod.ts";
import type { Engine } from "../../../../../pkg/docker/mod.ts";
import type { Logger } from "../../../../../pkg/logger/mod.ts";
import type { RegistryCredentials } from "../../../../../pkg/registry/mod.ts";
import type { StartTimes } from "../../deployment/start_times.ts";
import type { OutputSink } from "../port.ts";
import type { SpecOptions } from "./container_manifest.ts";
import type { OwnNetwork } from "./own_network.ts";

/** The parts and the settings of the runtime on Docker. */
export interface DockerRuntimeOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: Logger;
  readonly sink: OutputSink;
  readonly times: StartTimes;
  /** Credentials of the registry that holds an image; `undefined`: pulled without. */
  readonly credentialsFor: (image: string) => RegistryCredentials | undefined;
  readonly spec: SpecOptions;
  readonly hostPorts: { readonly first: number; readonly last: number };
  /** Absent: ports are published. */
  readonly ownNetwork: OwnNetwork | undefined;
  readonly drainMs: number;
  readonly stopGraceSeconds: number;
  /** Of instances whose deployment names none, in MiB. */
  readonly diskMibDefault: number;
}
