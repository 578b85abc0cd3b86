/** Where the cluster lives on this machine. All addresses stay on it: the node's is on the loopback interface. */
export const NODE_NAME = "unkey-testbed";
export const NODE_ADDRESS = "10.89.0.1";
export const SERVICE_CIDR = "10.89.4.0/22";
export const POD_CIDR = "10.89.16.0/20";
/** The bridge that pods hang on, and the name of their network. */
export const BRIDGE = "unkeybed0";
export const NETWORK = "unkey-testbed";
/** The group that all pods are in; whatever is in it when the bed stops is killed. */
export const CGROUP = "unkey-testbed";
/** The number under which the kernel passes packets to the network policies. */
export const POLICY_QUEUE = 1089;
export const PAUSE_IMAGE = "localhost/pause:1";

/** The folder of the cluster and what is in it. */
export class Places {
  constructor(readonly folder: string) {}

  get kubeconfig(): string {
    return `${this.folder}/kubeconfig`;
  }

  get apiserver(): string {
    return `${this.folder}/apiserver`;
  }

  get containerdSocket(): string {
    return `${this.folder}/containerd.sock`;
  }

  /** Where containerd talks to its plugins. */
  get pluginSocket(): string {
    return `${this.folder}/nri.sock`;
  }

  get containerdState(): string {
    return `${this.folder}/containerd-state`;
  }
}
