/** `unkey status`: how the regions keep up, or how one deployment does. */
import { defineCommand } from "../../pkg/cli/mod.ts";
import { switchField } from "../../pkg/config/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { calling, connect, CONNECT_FIELDS } from "../shared/connect.ts";
import { DEPLOYMENT_WORD, findDeployment } from "../shared/find_deployment.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";
import { ENVIRONMENT_FILTER_FIELD } from "../shared/project_fields.ts";
import { knownReceipt } from "../shared/switch_receipt.ts";
import { certificateJson, certificatesText } from "./certificates.ts";
import { troubleJson, troublesText } from "./domains.ts";
import { deploymentStatusJson, deploymentText } from "./deployment.ts";
import { eventsText } from "./events.ts";
import { gradualOf, gradualsText, runningGraduals } from "./gradual.ts";
import { regionJson, regionsText } from "./regions.ts";
import { workerJson, workersText } from "./workers.ts";

const EVENTS_FIELD = switchField({
  flag: "events",
  env: "UNKEY_STATUS_EVENTS",
  help: "Also what befell the deployment's instances: ends, refusals, failing health checks.",
});

/** `unkey status [deployment]` */
export const command = defineCommand({
  outcome: "output",
  fields: {
    ...CONNECT_FIELDS,
    environment: ENVIRONMENT_FILTER_FIELD,
    events: EVENTS_FIELD,
    json: JSON_FIELD,
  },
  positionals: [{ name: "deployment", help: `${DEPLOYMENT_WORD} Default: all regions.`, required: false }],
  notes:
    `Versions count the changes of a region's desired state: DESIRED is where it should be, APPLIED what its agents
have done, OBSERVED what they have seen running, LAG how many changes are missing
and for how long the oldest of them has waited. RUNNING counts your instances.`,
  async run({ config, positionals: [word] }, process) {
    const { signal, stdout, clock } = process;
    const connection = await connect(config, process);
    if (word !== undefined) {
      const wanted = { word, environment: config.environment };
      const deployment = await calling(connection, () => findDeployment(connection, wanted, signal));
      const client = createRpcClient(DeploymentService, connection);
      const { instances } = await calling(
        connection,
        () => client.listInstances({ deploymentId: deployment.id }, { signal }),
      );
      const events = config.events
        ? (await calling(
          connection,
          () => client.listInstanceEvents({ deploymentId: deployment.id }, { signal }),
        )).events
        : undefined;
      const lastSwitch = await calling(
        connection,
        () => knownReceipt({ client, deploymentId: deployment.id, signal }),
      );
      const gradual = await calling(connection, () => gradualOf({ client, signal }, deployment));
      if (config.json) {
        const more = { lastSwitch, gradual, events };
        return stdout(jsonLine(deploymentStatusJson(deployment, instances, more)));
      }
      const nowMs = clock.now();
      stdout(deploymentText(deployment, instances, { nowMs, lastSwitch, gradual }));
      return events === undefined ? undefined : stdout(eventsText(events, nowMs));
    }
    const admin = createRpcClient(AdminService, connection);
    const status = await calling(connection, () => admin.getStatus({}, { signal }));
    const regions = status.regions.map(regionJson);
    const certificates = status.certificates.map(certificateJson);
    const domains = status.domains.map(troubleJson);
    const workers = status.workers.map(workerJson);
    const client = createRpcClient(DeploymentService, connection);
    const gradualSwitches = await calling(connection, () => runningGraduals({ client, signal }));
    if (config.json) {
      return stdout(jsonLine({
        regions,
        ...(certificates.length === 0 ? {} : { certificates }),
        ...(domains.length === 0 ? {} : { domains }),
        ...(gradualSwitches.length === 0 ? {} : { gradualSwitches }),
        ...(workers.length === 0 ? {} : { workers }),
      }));
    }
    const nowMs = clock.now();
    const troubles = `${workersText(workers, nowMs)}${certificatesText(certificates, nowMs)}${
      troublesText(domains, nowMs)
    }`;
    stdout(`${regionsText(regions, nowMs)}${gradualsText(gradualSwitches)}${troubles}`);
  },
});
