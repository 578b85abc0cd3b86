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
  /** The namespace of the pod, or of the kubeconfig's context. */
  readonly namespace: string;
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
