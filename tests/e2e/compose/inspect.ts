/** A look at the containers of a project from outside. */
import { z } from "zod";
import type { Docker } from "./docker.ts";

const CONTAINER = z.object({
  Config: z.object({ User: z.string(), Labels: z.record(z.string(), z.string()) }),
  HostConfig: z.object({
    ReadonlyRootfs: z.boolean(),
    Privileged: z.boolean(),
    CapAdd: z.array(z.string()).nullable(),
    CapDrop: z.array(z.string()).nullable(),
    SecurityOpt: z.array(z.string()).nullable(),
    Memory: z.number(),
    NanoCpus: z.number(),
    PidsLimit: z.number().nullable(),
    PortBindings: z.record(z.string(), z.array(z.object({ HostIp: z.string() }))).nullable(),
  }),
  NetworkSettings: z.object({ Networks: z.record(z.string(), z.object({ IPAddress: z.string() })) }),
});

export type Inspected = z.infer<typeof CONTAINER> & {
  readonly service: string;
  /** All that an inspection shows. */
  readonly text: string;
};

const WAIT_SECONDS = 3;

/** All containers of Compose, those that have ended, too. */
export async function inspectAll(docker: Docker): Promise<readonly Inspected[]> {
  const ids =
    (await docker.run(["ps", "--all", "--quiet", "--filter", "label=com.docker.compose.project=unkey"]))
      .trim().split("\n");
  const all = z.array(z.unknown()).parse(JSON.parse(await docker.run(["inspect", ...ids])));
  return all.map((each) => {
    const container = CONTAINER.parse(each);
    const service = container.Config.Labels["com.docker.compose.service"] ?? "";
    return { ...container, service, text: JSON.stringify(each) };
  });
}

/** The values that must be shown nowhere. */
export async function secretsIn(folder: string): Promise<readonly string[]> {
  const secrets = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (name !== "s3.env") secrets.push((await Deno.readTextFile(`${folder}/${name}`)).trim());
  }
  return secrets;
}

/** A service's port. */
export interface Target {
  readonly service: string;
  readonly port: number;
}

/** The targets, by `service network`, to which a container in a network connects, at any address that they have. */
export async function reached(
  docker: Docker,
  from: string,
  targets: readonly Target[],
): Promise<readonly string[]> {
  const containers = await inspectAll(docker);
  const attempts = targets.flatMap(({ service, port }) => {
    const networks = containers.find((each) => each.service === service)?.NetworkSettings.Networks ?? {};
    return Object.entries(networks).map(([network, { IPAddress }]) =>
      `nc -w ${WAIT_SECONDS} ${IPAddress} ${port} -e true && echo ${service} ${network} &`
    );
  });
  const script = `{ ${attempts.join(" ")} } 2>/dev/null; wait`;
  const printed = await docker.run(["run", "--rm", "--network", from, "busybox:stable", "sh", "-c", script]);
  return printed.trim().split("\n").filter((line) => line !== "").toSorted();
}
