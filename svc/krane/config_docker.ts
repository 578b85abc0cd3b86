import { isIP } from "node:net";
import { z } from "zod";
import { field, integerSchema, textSchema } from "../../pkg/config/mod.ts";

/** Settings of the Docker runtime. */
export const DOCKER_FIELDS = {
  dockerHost: field({
    flag: "docker-host",
    env: "DOCKER_HOST",
    help: "Where the Docker Engine listens.",
    placeholder: "<unix:///path|tcp://host:port>",
    schema: textSchema("unix:///var/run/docker.sock"),
  }),
  publishAddress: field({
    flag: "publish-address",
    env: "UNKEY_KRANE_PUBLISH_ADDRESS",
    help: "Address of this machine on which instances are published, as the edge reaches it.",
    placeholder: "<ip>",
    schema: publishAddressSchema(),
  }),
  dockerNetwork: field({
    flag: "docker-network",
    env: "UNKEY_KRANE_DOCKER_NETWORK",
    help:
      "The engine's network that instances are in; made when it is missing, so that they cannot reach each other. " +
      'In "bridge", the engine\'s own, they can.',
    placeholder: "<name>",
    schema: textSchema("unkey"),
  }),
  dockerWorkspaces: field({
    flag: "docker-workspaces",
    env: "UNKEY_DOCKER_WORKSPACES",
    help:
      "Workspaces whose apps this engine runs. one: deployments of a second one are refused, since apps reach this " +
      "machine's own ports and the cloud's metadata service. many: firewall rules of yours (chains DOCKER-USER and " +
      "INPUT, see docs/operate/docker.md) keep apps from both.",
    placeholder: "<one|many>",
    schema: workspacesSchema(),
  }),
  instanceAddress: field({
    flag: "instance-address",
    env: "UNKEY_KRANE_INSTANCE_ADDRESS",
    help:
      "Where the edge connects to instances. published: at ports of this machine. container: at the containers' own " +
      "addresses, in a network that the agent makes for itself; only for edges on the engine's machine.",
    placeholder: "<published|container>",
    schema: instanceAddressSchema(),
  }),
  hostPorts: field({
    flag: "host-ports",
    env: "UNKEY_KRANE_HOST_PORTS",
    help: "Ports of this machine that instances may take.",
    placeholder: "<first-last>",
    schema: portRangeSchema("20000-29999"),
    show: ({ first, last }) => `${first}-${last}`,
  }),
  pidsDefault: field({
    flag: "pids-default",
    env: "UNKEY_KRANE_PIDS_DEFAULT",
    help: "Limit of processes and threads of instances whose deployment names none.",
    schema: integerSchema(1_024, 8, 1_000_000),
  }),
};

/** First and last port, both included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

function publishAddressSchema(): z.ZodType<string> {
  const isOne = (text: string): boolean => isIP(text) !== 0 && !/^[0.:]+$/.test(text);
  const message = "must be an IP address at which the edge reaches this machine, and neither 0.0.0.0 nor ::";
  return z.string().default("127.0.0.1").refine(isOne, message);
}

function instanceAddressSchema(): z.ZodType<"published" | "container"> {
  const error = "must be published or container";
  return z.enum(["published", "container"], { error }).default("published");
}

function portRangeSchema(fallback: string): z.ZodType<PortRange> {
  return z.string().default(fallback).transform((raw, context): PortRange => {
    const [, from, to] = /^(\d{1,5})-(\d{1,5})$/.exec(raw) ?? [];
    const range = { first: Number(from ?? NaN), last: Number(to ?? NaN) };
    if (range.first >= 1 && range.last <= 65_535 && range.first <= range.last) return range;
    context.addIssue({ code: "custom", message: "must be two ports, e.g. 20000-29999" });
    return z.NEVER;
  });
}

function workspacesSchema(): z.ZodType<"one" | "many"> {
  return z.enum(["one", "many"], { error: "must be one or many" }).default("one");
}
