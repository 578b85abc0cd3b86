/**
 * TCP listeners for ports that strangers reach: they go on after the process had no descriptors left, and count
 * connections by client, so that no client has them all.
 *
 * @module
 */
export { type CountLimits, type Excess, networkOf, SharedCount } from "./shared_count.ts";
export { DESCRIPTORS_DEFAULT, descriptorsMax, shareOfDescriptors } from "./descriptors.ts";
export { TcpListener, type TcpListenerOptions, type TcpTimes } from "./listener.ts";
