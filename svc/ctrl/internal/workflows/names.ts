/**
 * Names of the durable services, for callers over HTTP and for implementations. They are stored in running invocations: changing one is breaking.
 */

/** Workflow, keyed by deployment id. Its main handler must be called `run`. */
export const DEPLOYMENT_SERVICE = "hydra.v1.DeploymentService";
/** Virtual object, keyed by environment id. */
export const ROUTING_SERVICE = "hydra.v1.RoutingService";
/** Stateless service. */
export const BUILD_SERVICE = "hydra.v1.BuildService";
/** Virtual object, keyed by region. */
export const VERSIONING_SERVICE = "hydra.v1.VersioningService";
/** Workflow, keyed by the id of a start. */
export const START_SERVICE = "hydra.v1.StartService";
/** Virtual object, keyed by workspace id. */
export const BUILD_SLOT_SERVICE = "hydra.v1.BuildSlotService";
/** Virtual object, keyed by domain id, and by `global` for checks that are due. */
export const DOMAIN_SERVICE = "hydra.v1.CustomDomainService";
/** Virtual object, keyed by the id of a gradual switch. */
export const GRADUAL_SERVICE = "hydra.v1.GradualSwitchService";
/** Stateless service. */
export const OPENAPI_SERVICE = "hydra.v1.OpenapiService";
/** Virtual object, keyed by host name, and by `global` for renewals. */
export const CERTIFICATE_SERVICE = "hydra.v1.CertificateService";
