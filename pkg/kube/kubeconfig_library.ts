/**
 * The packages that read a kubeconfig: the YAML parser, and of `@kubernetes/client-node` the part that runs, all kinds of
 * credentials. Import it lazily, so that an agent in a pod never loads it (15 MB). A bundle keeps what this file names
 * and drops the rest of the library; a lazy import of a package itself has no names in a bundle when it is CommonJS.
 *
 * @module
 */
export { KubeConfig } from "@kubernetes/client-node";
export { parse as parseYaml } from "yaml";
