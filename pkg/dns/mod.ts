/**
 * Records of the DNS, asked at the servers that hold them.
 *
 * ```ts
 * const dns = openDns({});
 * await dns.records("shop.example.com", "CNAME", signal); // ["target.example.net."]
 * ```
 *
 * @module
 */
export { ask, bareName, type Question, type RecordType } from "./ask.ts";
export { type Dns, type DnsOptions, openDns } from "./dns.ts";
export { isPublicAddress } from "./public_address.ts";
export { type Server, serverOf } from "./server.ts";
