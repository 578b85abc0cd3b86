import type { Route } from "./route_table.ts";

/** For the owner of the app; visitors learn nothing that its host name does not tell. */
export function stopText({ hostname, deploymentId, stop }: Route): string {
  const since = stop === undefined
    ? ""
    : ` on ${new Date(stop.atMs).toISOString().slice(0, 16).replace("T", " at ")} UTC`;
  const because = stop === undefined ? "" : ` ${stop.message}`;
  return `The deployment at "${hostname}" was stopped${since}.${because} "unkey start ${deploymentId}" starts it again.`;
}
