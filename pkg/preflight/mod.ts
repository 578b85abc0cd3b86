/**
 * Asks everything that a process needs, before it starts: side by side, within a limit, and without a change.
 *
 * ```ts
 * const reports = await runProbes([portProbe({ subject: "port", host, port, setting })], { clock, signal });
 * const failed = reports.filter(({ outcome }) => outcome === "failed");
 * ```
 *
 * A probe that writes removes what it wrote.
 *
 * @module
 */
export { clockProbe, type ClockSource } from "./clock.ts";
export { diskProbe, folderFinding, folderProbe, spaceFinding } from "./disk.ts";
export { namesProbe, type WantedName } from "./names.ts";
export { portProbe, type ProbedPort } from "./port.ts";
export { failed, type Finding, ok, type Outcome, type Probe, warning } from "./probe.ts";
export { PROBE_MS_MAX, type ProbeReport, runProbes } from "./run.ts";
