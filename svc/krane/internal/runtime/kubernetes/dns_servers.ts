import { isIP } from "node:net";
import { z } from "zod";
import type { V1ServiceSpec } from "@kubernetes/client-node";
import { describeError } from "../../../../../pkg/fault/mod.ts";
import { type Cluster, type FieldsOf, getObject, SERVICES } from "../../../../../pkg/kube/mod.ts";
import type { Logger } from "../../../../../pkg/logger/mod.ts";

export interface DnsSources {
  readonly cluster: Cluster;
  /** The operator's, which come first. */
  readonly given: readonly string[];
  /** The agent's own resolver configuration; `undefined`: it does not run in the cluster. */
  readonly resolvConf: string | undefined;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** The Service that kubelets name to pods in most clusters. */
const SERVICE = { namespace: "kube-system", name: "kube-dns" };
const SERVERS_MAX = 16;

const DnsService = z.object({
  spec: z.object({ clusterIPs: z.array(z.string()).default([]) } satisfies FieldsOf<V1ServiceSpec>),
});

/**
 * The addresses of the cluster's resolvers: those that the agent's own pod was given, which is what apps' pods get too,
 * and those of the Service of cluster DNS.
 */
export async function findDnsServers(
  { cluster, given, log, resolvConf, signal }: DnsSources,
): Promise<string[]> {
  let service: readonly string[] = [];
  try {
    const found = await getObject(cluster, SERVICES, SERVICE, { schema: DnsService, signal });
    service = found?.spec.clusterIPs ?? [];
  } catch (error) {
    signal.throwIfAborted();
    // Its address matters only where an operator denies the network of Services.
    log.warn("the Service of cluster DNS cannot be read", { error: describeError(error) });
  }
  const servers = [...given, ...nameservers(resolvConf ?? ""), ...service];
  const usable = servers.filter((each) => isIP(each) !== 0 && !isOwnMachine(each));
  return [...new Set(usable)].slice(0, SERVERS_MAX);
}

function nameservers(resolvConf: string): string[] {
  return resolvConf.split("\n").flatMap((line) => {
    const [, address = ""] = /^\s*nameserver\s+([0-9a-f.:]+)/i.exec(line) ?? [];
    return address === "" ? [] : [address];
  });
}

function isOwnMachine(address: string): boolean {
  return address.startsWith("127.") || address === "::1";
}
