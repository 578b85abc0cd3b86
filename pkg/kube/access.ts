import { type Clock, systemClock } from "../clock/mod.ts";

/** Proof of identity for one call, and the authority to trust. All certificates and keys are PEM. */
export interface Credentials {
  /** Absent: the system's authorities. */
  readonly certificateAuthority?: string;
  readonly certificate?: string;
  readonly key?: string;
  /** `Authorization` and impersonation; a name may come more than once. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** The address of a cluster's API, and the credentials for it. */
export interface Access {
  /** Without a trailing slash. */
  readonly server: string;
  readonly proxy?: Deno.Proxy;
  /**
   * Credentials that are valid now. Asked before each call, so that tokens can be replaced while the program runs.
   *
   * @throws `failed_precondition` when they cannot be read, `unavailable` when their source fails
   */
  credentials(): Promise<Credentials>;
  /** The API answered 401: credentials that are kept for a longer time are fetched again for the next call. */
  refused(): void;
}

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
