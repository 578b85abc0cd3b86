/** `unkey trace`: where the time of a deploy went. */
import { defineCommand, paint } from "../../pkg/cli/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { calling, connect, CONNECT_FIELDS } from "../shared/connect.ts";
import { DEPLOYMENT_WORD, findDeployment } from "../shared/find_deployment.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";
import { ENVIRONMENT_FILTER_FIELD } from "../shared/project_fields.ts";
import { knownReceipt } from "../shared/switch_receipt.ts";
import { traceJson } from "./trace_json.ts";
import { type Marking, SIGNS, traceText } from "./trace_text.ts";

/** `unkey trace <deployment>` */
export const command = defineCommand({
  outcome: "output",
  fields: { ...CONNECT_FIELDS, environment: ENVIRONMENT_FILTER_FIELD, json: JSON_FIELD },
  positionals: [{ name: "deployment", help: DEPLOYMENT_WORD, required: true }],
  notes:
    `Times begin with the command that deployed, and end when the deployment was ready or had failed. Every part of the
platform reports what it did; time that belongs to none of them is a line that says who was waited for. BEFORE is the
difference to the last successful deploy of the environment.`,
  async run({ config, positionals: [word = ""] }, process) {
    const { clock, signal, stdout } = process;
    const connection = await connect(config, process);
    const client = createRpcClient(DeploymentService, connection);
    const { environment } = config;
    const { deployment, trace, receipt } = await calling(connection, async () => {
      const deployment = await findDeployment(connection, { word, environment }, signal);
      const { trace } = await client.getDeploymentTrace({ deploymentId: deployment.id }, { signal });
      const receipt = await knownReceipt({ client, deploymentId: deployment.id, signal }, "deploy");
      return { deployment, trace, receipt };
    });
    if (trace === undefined) throw publicFault("internal", "The control plane answered without a trace.");
    const json = traceJson(trace, { nowMs: clock.now(), receipt });
    if (config.json) return stdout(jsonLine(json));
    const { terminal } = process;
    const marking: Marking = terminal.stdout && terminal.colour
      ? { bold: paint(process).bold, sign: "" }
      : SIGNS;
    const place = `${deployment.projectSlug} (${deployment.environmentSlug})`;
    stdout(traceText(json, trace.spans, { place, marking }));
  },
});
