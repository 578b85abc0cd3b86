/**
 * The number of instances that follows the load: settings, reported loads, and the decision.
 *
 * ```ts
 * const scaling = scalingOf(settings); // undefined: the number stays as it is
 * const { target, reason } = decide({ scaling, current, cpuMillicores }, loads, history);
 * ```
 *
 * Everything here is pure; `svc/ctrl/worker/tasks/autoscaler.ts` reads the loads and acts.
 *
 * @module
 */
export { decide, type Decision, type Load, type Placement } from "./decide.ts";
export { ScalingHistory } from "./history.ts";
export { decodeLoads, encodeLoads, type ReportedLoad } from "./loads.ts";
export {
  bounded,
  decodeScaling,
  DOWN_SECONDS_DEFAULT,
  encodeScaling,
  type Scaling,
  scalingOf,
  ScalingSchema,
  type ScalingSettings,
} from "./settings.ts";
