/** All REST routes, in the order of the document. */
import { listCronsRoute, pauseCronRoute, resumeCronRoute } from "./crons.ts";
import { createDeploymentRoute, generateUploadUrl, getDeploymentRoute, redeployRoute } from "./deploy.ts";
import {
  addDomainRoute,
  listDomainsRoute,
  removeDomainRoute,
  retryDomainRoute,
  setDomainRedirectRoute,
  verifyDomainRoute,
} from "./domains.ts";
import { createRootKeyRoute, listRootKeysRoute, revokeRootKeyRoute, whoAmIRoute } from "./keys.ts";
import { cancelRoute, endBranchRoute, listDeploymentsRoute, startRoute, stopRoute } from "./lifecycle.ts";
import { getOpenApiDiffRoute } from "./openapi_diff.ts";
import {
  getLogsRoute,
  listInstanceEventsRoute,
  listInstancesRoute,
  streamEventsRoute,
  streamLogsRoute,
} from "./output.ts";
import { applyEnvironmentRoute, planEnvironmentRoute } from "./plans.ts";
import {
  createEnvironmentRoute,
  createProjectRoute,
  deleteEnvironmentRoute,
  listEnvironmentsRoute,
  listProjectsRoute,
} from "./projects.ts";
import { createShareLinkRoute, revokeShareLinksRoute, setProtectionRoute } from "./protection.ts";
import { addRegistryRoute, listRegistriesRoute, removeRegistryRoute } from "./registries.ts";
import type { Route } from "./route.ts";
import { cancelRunRoute, createRunRoute, getRunRoute, listRunsRoute } from "./runs.ts";
import { getAppSettingsRoute, setAppSettingsRoute, setIdleEndRoute, setSizeRoute } from "./settings.ts";
import { searchLogsRoute } from "./search_logs.ts";
import {
  abortGradualSwitchRoute,
  advanceGradualSwitchRoute,
  beginGradualSwitchRoute,
  getGradualSwitchRoute,
  listGradualSwitchesRoute,
} from "./gradual.ts";
import { listSwitchesRoute } from "./switch_list.ts";
import { planPromoteRoute, planRollbackRoute, promoteRoute, rollbackRoute } from "./switches.ts";
import { getTrafficRoute } from "./traffic.ts";
import { listVariablesRoute, removeVariableRoute, setVariablesRoute } from "./variables.ts";
import { getStatusRoute, listAuditLogRoute, listLimitsRoute } from "./workspace.ts";

export const ROUTES: readonly Route[] = [
  generateUploadUrl,
  createDeploymentRoute,
  redeployRoute,
  getDeploymentRoute,
  listDeploymentsRoute,
  streamEventsRoute,
  cancelRoute,
  stopRoute,
  startRoute,
  endBranchRoute,
  getOpenApiDiffRoute,
  promoteRoute,
  rollbackRoute,
  planPromoteRoute,
  planRollbackRoute,
  listSwitchesRoute,
  beginGradualSwitchRoute,
  getGradualSwitchRoute,
  advanceGradualSwitchRoute,
  abortGradualSwitchRoute,
  listGradualSwitchesRoute,
  getTrafficRoute,
  getLogsRoute,
  streamLogsRoute,
  searchLogsRoute,
  listInstancesRoute,
  listInstanceEventsRoute,
  createRunRoute,
  getRunRoute,
  listRunsRoute,
  cancelRunRoute,
  listCronsRoute,
  pauseCronRoute,
  resumeCronRoute,
  createProjectRoute,
  listProjectsRoute,
  createEnvironmentRoute,
  listEnvironmentsRoute,
  deleteEnvironmentRoute,
  setVariablesRoute,
  listVariablesRoute,
  removeVariableRoute,
  getAppSettingsRoute,
  setAppSettingsRoute,
  setSizeRoute,
  setIdleEndRoute,
  planEnvironmentRoute,
  applyEnvironmentRoute,
  setProtectionRoute,
  createShareLinkRoute,
  revokeShareLinksRoute,
  addDomainRoute,
  listDomainsRoute,
  verifyDomainRoute,
  retryDomainRoute,
  setDomainRedirectRoute,
  removeDomainRoute,
  createRootKeyRoute,
  listRootKeysRoute,
  revokeRootKeyRoute,
  whoAmIRoute,
  addRegistryRoute,
  listRegistriesRoute,
  removeRegistryRoute,
  listLimitsRoute,
  listAuditLogRoute,
  getStatusRoute,
];
