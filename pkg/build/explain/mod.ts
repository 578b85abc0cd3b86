/**
 * Why a build or a start failed, and the next step: pure functions of a Dockerfile and of printed lines. A door of its own,
 * since workflows may load these and not the builder.
 *
 * @module
 */
export { dockerfileNotices, volumeNotice } from "./notices.ts";
export { exposedPorts, portHint, startHint, withHint } from "./hints.ts";
