/**
 * All SQL of the control plane: one exported function per query, named like a sentence.
 *
 * ```ts
 * const db = await openCtrlDatabase(url, { migrate: true, log });
 * const project = await findProject(db.kysely, workspaceId, projectId);
 * await transact(db, (tx) => placeDeployment(tx, { deploymentId, workspaceId, regions, nowMs }));
 * ```
 *
 * A function that takes a `Queryable` is one statement, or reads only; one that takes a `Tx` writes several rows that
 * belong together, and the caller's transaction keeps them together. Rows have the types of `schema.ts`.
 *
 * @module
 */
export * from "./database.ts";
export * from "./condition.ts";
export * from "./dump.ts";
export * from "./restored.ts";
export * from "./restore_mark.ts";
export * from "./unfinished_restore.ts";
export * from "./schema.ts";
export * from "./schema_content.ts";
export * from "./schema_certificates.ts";
export * from "./schema_domains.ts";
export * from "./schema_credentials.ts";
export * from "./schema_switches.ts";
export * from "./schema_crons.ts";
export * from "./schema_logs.ts";
export * from "./schema_traces.ts";
export * from "./types.ts";
export * from "./workspaces.ts";
export * from "./projects.ts";
export * from "./depot_projects.ts";
export * from "./environments.ts";
export * from "./variables.ts";
export * from "./data_keys.ts";
export * from "./credentials.ts";
export * from "./registries.ts";
export * from "./audit.ts";
export * from "./uploads.ts";
export * from "./packs.ts";
export * from "./contexts.ts";
export * from "./deployments.ts";
export * from "./deployment_create.ts";
export * from "./deployment_status.ts";
export * from "./deployment_events.ts";
export * from "./steps.ts";
export * from "./traces.ts";
export * from "./trace_exports.ts";
export * from "./instance_events.ts";
export * from "./starts.ts";
export * from "./live_history.ts";
export * from "./switches.ts";
export * from "./gradual_orders.ts";
export * from "./gradual_switches.ts";
export * from "./login_codes.ts";
export * from "./sessions.ts";
export * from "./requests.ts";
export * from "./traffic.ts";
export * from "./traffic_sums.ts";
export * from "./stop_note.ts";
export * from "./images.ts";
export * from "./built_images.ts";
export * from "./output_retention.ts";
export * from "./build_slots.ts";
export * from "./build_attempts.ts";
export * from "./build_inputs.ts";
export * from "./changes.ts";
export * from "./desired.ts";
export * from "./runs.ts";
export * from "./cron_runs.ts";
export * from "./crons.ts";
export * from "./tasks.ts";
export * from "./topology.ts";
export * from "./scaling.ts";
export * from "./place_scaled.ts";
export * from "./sleeps.ts";
export * from "./load_reports.ts";
export * from "./instances.ts";
export * from "./instance_end.ts";
export * from "./instance_logs.ts";
export * from "./log_block.ts";
export * from "./routes.ts";
export * from "./host_names.ts";
export * from "./custom_domains.ts";
export * from "./held_hostnames.ts";
export * from "./domain_end.ts";
export * from "./certificates.ts";
export * from "./certificate_orders.ts";
export * from "./certificate_due.ts";
export * from "./acme_accounts.ts";
export * from "./acme_challenges.ts";
export * from "./acme_orders.ts";
export * from "./sentinels.ts";
export * from "./sentinel_sweep.ts";
export * from "./agents.ts";
export * from "./region_health.ts";
export * from "./processes.ts";
export * from "./protections.ts";
export * from "./workspace_limits.ts";
export * from "./workspace_usage.ts";
export * from "./write_probes.ts";
export * from "./openapi_documents.ts";
export * from "./views/types.ts";
export * from "./views/deployments.ts";
export * from "./views/cache.ts";
export * from "./views/domains.ts";
export { type BlockPlace, type Reads } from "./views/log_heads.ts";
export * from "./views/log_search.ts";
export * from "./views/log_tail.ts";
export * from "./views/logs.ts";
export * from "./views/numbers.ts";
export * from "./views/status.ts";
export * from "./views/workspace_heads.ts";
