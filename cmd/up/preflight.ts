import { resolve } from "node:path";
import { defineCommand, type Process } from "../../pkg/cli/mod.ts";
import { openEngine } from "../../pkg/docker/mod.ts";
import {
  clockProbe,
  type ClockSource,
  folderProbe,
  ok,
  portProbe,
  type Probe,
  warning,
} from "../../pkg/preflight/mod.ts";
import { locateRestateServer, RESTATE_VERSION, restateDownload } from "../../pkg/restate_server/mod.ts";
import { acmeProbes } from "../../svc/ctrl/preflight/run.ts";
import { JSON_FIELD } from "../shared/output.ts";
import { preflight, PREFLIGHT_EXITS, preflightNotes } from "../shared/preflight.ts";
import { UP_FIELDS, UP_RULES, type UpConfig } from "./config.ts";
import { buildNetworkNotice, checkDocker } from "./engine.ts";
import { authorities, type Place, placeOf } from "./place.ts";
import { HOST } from "./ports.ts";
import { preflight as visitorNotices, preflightOptions } from "./preflight/mod.ts";

const MEBIBYTE = 1024 * 1024;

/** `unkey preflight up` */
export const command = defineCommand({
  exitCodes: PREFLIGHT_EXITS,
  fields: { ...UP_FIELDS, json: JSON_FIELD },
  check: UP_RULES,
  notes: preflightNotes("up"),
  run({ config }, process) {
    return preflight(upProbes(config, process), config, process);
  },
});

function upProbes(config: UpConfig, process: Process): readonly Probe[] {
  const place = placeOf(config);
  const directories = config.domain === undefined ? [] : authorities(config);
  return [
    dockerProbe(config, process),
    restateProbe(process),
    folderProbe({
      subject: "data folder",
      folder: resolve(process.cwd, config.dataDir),
      bytesMin: config.uploadDiskFreeMib * MEBIBYTE,
      setting: "--data-dir (UNKEY_DATA_DIR)",
    }),
    ...portProbes(place),
    clockProbe(directories.map(authorityClock), process.clock),
    ...config.domain === undefined ? [] : [visitorsProbe(config, place)],
    ...acmeProbes({ acmeDirectoryUrl: directories, acmeCaFile: config.acmeCaFile }),
  ];
}

function portProbes({ apiPort, edgeHost, edgePort, edgeHttpsPort }: Place): readonly Probe[] {
  const edge = { host: edgeHost };
  return [
    portProbe({ subject: "port of the api", host: HOST, port: apiPort, setting: "--api-port" }),
    portProbe({ ...edge, subject: "port of the edge", port: edgePort, setting: "--edge-port" }),
    ...edgeHttpsPort === undefined
      ? []
      : [portProbe({ ...edge, subject: "port of https", port: edgeHttpsPort, setting: "--edge-https-port" })],
  ];
}

function dockerProbe({ dockerHost }: UpConfig, { env }: Process): Probe {
  return {
    subject: "docker",
    advice: "Start Docker, or name another engine with DOCKER_HOST.",
    async ask(signal) {
      const engine = openEngine(dockerHost);
      try {
        const { version } = await checkDocker(engine, env, signal);
        const notice = buildNetworkNotice(version);
        if (notice === undefined) return ok(`Docker ${version} answers.`);
        return warning(notice, "Upgrade Docker where builds are not all your own.");
      } finally {
        engine.close();
      }
    },
  };
}

function restateProbe({ env, fetch }: Process): Probe {
  return {
    subject: "restate",
    advice: `Put restate-server ${RESTATE_VERSION} on PATH, or let this machine reach the npm registry.`,
    async ask(signal) {
      const here = await locateRestateServer({ env, signal });
      if (here !== undefined) return ok(`Restate ${RESTATE_VERSION} is at ${here.path}.`);
      const { url } = await restateDownload({ env, signal });
      const answer = await fetch(url, { method: "HEAD", signal });
      if (answer.ok) return ok(`Restate ${RESTATE_VERSION} will be downloaded at the first start.`);
      const text = `The npm registry answered ${answer.status} for Restate ${RESTATE_VERSION}.`;
      return { outcome: "failed", text, advice: this.advice };
    },
  };
}

/** The names lead here, and the firewall lets visitors in; until then the platform runs without them. */
function visitorsProbe(config: UpConfig, place: Place): Probe {
  return {
    subject: "visitors",
    advice: "Look at the resolver of this machine (/etc/resolv.conf).",
    async ask(signal) {
      const notices = await visitorNotices(preflightOptions(config, place), signal);
      if (notices.length === 0) return ok("The names lead to this machine, and no firewall is seen to drop.");
      const texts = notices.map(({ text }) => text);
      return warning(
        texts.join(" "),
        "Set the records, and open the ports; both may be done after the start.",
      );
    },
  };
}

function authorityClock(url: string): ClockSource {
  return {
    name: new URL(url).host,
    read: async (signal) => {
      const answer = await fetch(url, { signal });
      await answer.body?.cancel();
      const ms = Date.parse(answer.headers.get("date") ?? "");
      return Number.isNaN(ms) ? undefined : ms;
    },
  };
}
