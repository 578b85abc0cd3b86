/** All migrations, in order. Imported statically, so that a bundle holds them. */
import { base } from "./0001_base.ts";
import { content } from "./0002_content.ts";
import { logBlocks } from "./0003_log_blocks.ts";
import { builtImages } from "./0004_built_images.ts";
import { instanceEnds } from "./0005_instance_ends.ts";
import { sizes } from "./0006_sizes.ts";
import { checkHosts } from "./0007_check_hosts.ts";
import { startTimes } from "./0008_start_times.ts";
import { sizeTimes } from "./0009_size_times.ts";
import { certificates } from "./0010_certificates.ts";
import { instanceEvents } from "./0011_instance_events.ts";
import { previewEnds } from "./0012_preview_ends.ts";
import { appProtocols } from "./0013_app_protocols.ts";
import { appSettings } from "./0014_app_settings.ts";
import { certificateLimits } from "./0015_certificate_limits.ts";
import { firstRequests } from "./0016_first_requests.ts";
import { customDomains } from "./0017_custom_domains.ts";
import { loginCodes } from "./0019_login_codes.ts";
import { dataKeyLives } from "./0020_data_key_lives.ts";
import { stopTimes } from "./0021_stop_times.ts";
import { regionNetworks } from "./0022_region_networks.ts";
import { writeProbes } from "./0023_write_probes.ts";
import { workspaceLimits } from "./0024_workspace_limits.ts";
import { traces } from "./0025_traces.ts";
import { openApiDocuments } from "./0027_openapi_documents.ts";
import { trafficSwitches } from "./0032_traffic_switches.ts";
import { deploymentTasks } from "./0033_deployment_tasks.ts";
import { sessions } from "./0035_sessions.ts";
import { liveDeployments } from "./0036_live_deployments.ts";
import { scaling } from "./0037_scaling.ts";
import { runs } from "./0038_runs.ts";
import { crons } from "./0039_crons.ts";
import { deploymentTraffic } from "./0040_deployment_traffic.ts";
import { gradualSwitches } from "./0041_gradual_switches.ts";
import { logBlockWords } from "./0042_log_block_words.ts";
import { protections } from "./0044_protections.ts";
import { sleeps } from "./0045_sleeps.ts";
import { gradualOrders } from "./0046_gradual_orders.ts";
import { workerProcesses } from "./0048_worker_processes.ts";
import type { Migration } from "./migration.ts";

export const MIGRATIONS: readonly Migration[] = [
  base,
  content,
  logBlocks,
  builtImages,
  instanceEnds,
  sizes,
  checkHosts,
  startTimes,
  sizeTimes,
  certificates,
  instanceEvents,
  previewEnds,
  appProtocols,
  appSettings,
  certificateLimits,
  firstRequests,
  customDomains,
  loginCodes,
  dataKeyLives,
  stopTimes,
  regionNetworks,
  writeProbes,
  workspaceLimits,
  traces,
  openApiDocuments,
  trafficSwitches,
  deploymentTasks,
  sessions,
  liveDeployments,
  scaling,
  runs,
  crons,
  deploymentTraffic,
  gradualSwitches,
  logBlockWords,
  protections,
  sleeps,
  gradualOrders,
  workerProcesses,
];
