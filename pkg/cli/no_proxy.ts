const THIS_MACHINE = ["localhost", "127.0.0.0/8", "::1"];

/**
 * The value of `NO_PROXY` with this machine's addresses added, so that its programs reach each other: Deno sends requests
 * to 127.0.0.1, too, to the proxy that `HTTP_PROXY` names.
 */
export function withThisMachine(noProxy: string): string {
  const named = noProxy.split(",").map((each) => each.trim()).filter((each) => each !== "");
  return [...new Set([...named, ...THIS_MACHINE])].join(",");
}
