import { type Clock, systemClock } from "../clock/mod.ts";
import type { Access } from "./credentials.ts";

export interface AccessOptions {
  /** A file, or several with `:` between them; absent: the cluster of the pod that this program runs in. */
  readonly kubeconfig: string | undefined;
  /** Absent: the current context of the kubeconfig. */
  readonly context?: string | undefined;
  readonly clock?: Clock;
}

/**
 * The access that a kubeconfig describes, or, without one, that of the pod that this program runs in. A kubeconfig's
 * credentials are fetched once here, so that a mistake is reported at the start.
 *
 * @throws `failed_precondition` when there is neither, or when the file asks for something that is not supported
 */
export async function loadAccess(
  { clock = systemClock(), context, kubeconfig }: AccessOptions,
): Promise<Access> {
  if (kubeconfig === undefined) {
    const { podAccess } = await import("./pod_access.ts");
    return await podAccess({ clock });
  }
  const { KubeconfigAccess } = await import("./kubeconfig_access.ts");
  const access = await KubeconfigAccess.load({ paths: kubeconfig, context, clock });
  await access.credentials();
  return access;
}
