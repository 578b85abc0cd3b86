import { counter, histogram, type Metrics, WORK_SECONDS } from "../../../pkg/metrics/mod.ts";
import type { CertificateSteps } from "./certificate/types.ts";
import type { DeployOutcome } from "./deploy/contract.ts";
import type { BuildSteps } from "./image_build/types.ts";

/** Numbers of the platform's work, by its end. */
export const WORKER_METRICS = {
  deploys: counter("unkey_deploys_total", "Deployments that ended, by the status that they ended in.", [
    "status",
  ]),
  builds: counter("unkey_builds_total", "Builds that ended; built, or the code of the failure.", ["code"]),
  buildSeconds: histogram(
    "unkey_build_seconds",
    "Time of a build, from its first to its last step.",
    WORK_SECONDS,
    [
      "code",
    ],
  ),
  attempts: counter(
    "unkey_certificate_attempts_total",
    "Attempts to get a certificate: issued, limited, refused, failed, or not wanted any more.",
    ["end"],
  ),
};

/** Counts the ends of deployments. */
export function countDeploys(metrics: Metrics): (outcome: DeployOutcome) => void {
  const deploys = metrics.counter(WORKER_METRICS.deploys);
  return ({ status }) => deploys.add({ status });
}

/** The steps of a build, with its end counted. */
export function countBuilds(steps: BuildSteps, metrics: Metrics): BuildSteps {
  const builds = metrics.counter(WORKER_METRICS.builds);
  const seconds = metrics.histogram(WORKER_METRICS.buildSeconds);
  return {
    ...steps,
    async build(...given) {
      const startedAtMs = performance.now();
      const report = await steps.build(...given);
      const code = report.kind === "built" ? "built" : report.code;
      builds.add({ code });
      seconds.observe({ code }, (performance.now() - startedAtMs) / 1_000);
      return report;
    },
  };
}

/** The steps of a certificate, with the ends of attempts counted. */
export function countAttempts(steps: CertificateSteps, metrics: Metrics): CertificateSteps {
  const attempts = metrics.counter(WORKER_METRICS.attempts);
  return {
    ...steps,
    async store(...given) {
      const end = await steps.store(...given);
      if (end.kind === "issued") attempts.add({ end: "issued" });
      return end;
    },
    async fail(wish, end, signal) {
      attempts.add({ end: end.kind });
      return await steps.fail(wish, end, signal);
    },
  };
}
