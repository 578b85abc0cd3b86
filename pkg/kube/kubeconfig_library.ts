/**
 * The part of `@kubernetes/client-node` that runs: all kinds of credentials of a kubeconfig. Import it lazily, so that
 * an agent in a pod never loads it (15 MB); a bundle keeps what this file names and drops the rest of the library.
 *
 * @module
 */
export { KubeConfig } from "@kubernetes/client-node";
