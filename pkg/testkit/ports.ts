/** TCP ports for what a test starts. */

/** Below the ephemeral ports, which the kernel gives to connections and for port 0: no other process takes one in between. */
const FIRST = 11_000;
const COUNT = 9_000;
/** Test processes that run at the same time begin at different places. */
const PER_PROCESS = 100;

let next = (Deno.pid * PER_PROCESS + (crypto.getRandomValues(new Uint8Array(1))[0] ?? 0) % PER_PROCESS) %
  COUNT;

/** A port on which nothing listens, another one at each call. It can be used again after what listens there is killed. */
export function freePort(): number {
  for (let tries = 0; tries < COUNT; tries++) {
    const port = FIRST + next;
    next = (next + 1) % COUNT;
    if (isFree(port)) return port;
  }
  throw new Error("no port is free");
}

/** True when no address has a listener: the server that starts there may listen on all of them. */
function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "0.0.0.0", port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}
