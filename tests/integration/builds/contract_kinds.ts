/** The builders that keep the contract of `contract_test.ts`. */
import { engineAnswers } from "../../../pkg/testkit/base_image.ts";
import { hasFrontend } from "../../../pkg/testkit/base_registry.ts";
import { canStartBuildkit } from "../../../pkg/testkit/buildkit.ts";
import { canStartEngine } from "../../../pkg/testkit/private_engine.ts";
import { hasRegistry } from "../../../pkg/testkit/registry.ts";
import { ContractBed } from "./contract_bed.ts";

const IMAGES = hasRegistry() && await hasFrontend();
const DAEMON = await canStartBuildkit() && await engineAnswers() && IMAGES;
const ENGINE = await canStartEngine() && IMAGES;
const ENGINE_29 = await canStartEngine("29") && IMAGES;

export interface Kind {
  readonly name: string;
  readonly possible: boolean;
  readonly start: () => Promise<ContractBed>;
  /** The Dockerfile language of its own knows heredocs and `COPY --link`. */
  readonly newLanguage: boolean;
  /** Denies sources by policy. */
  readonly policy: boolean;
  /** Its cache belongs to the platform, which keeps it within limits. */
  readonly prunable: boolean;
}

const NEW = { newLanguage: true, policy: true, prunable: true } as const;
export const KINDS: readonly Kind[] = [
  {
    name: "Docker Engine 20.10",
    possible: ENGINE,
    start: () => ContractBed.engine({}),
    newLanguage: false,
    policy: false,
    prunable: true,
  },
  {
    name: "Docker Engine 29 with the classic image store",
    possible: ENGINE_29,
    start: () => ContractBed.engine({ engine: "29", imageStore: "classic" }),
    ...NEW,
  },
  {
    name: "Docker Engine 29 with containerd's image store",
    possible: ENGINE_29,
    start: () => ContractBed.engine({ engine: "29", imageStore: "containerd" }),
    ...NEW,
  },
  { name: "buildkitd over TCP", possible: DAEMON, start: () => ContractBed.daemon("tcp"), ...NEW },
  { name: "buildkitd with certificates", possible: DAEMON, start: () => ContractBed.daemon("tls"), ...NEW },
  { name: "buildkitd on a unix socket", possible: DAEMON, start: () => ContractBed.daemon("unix"), ...NEW },
  {
    name: "a machine of Depot",
    possible: DAEMON,
    start: () => ContractBed.depot(),
    ...NEW,
    prunable: false,
  },
];
