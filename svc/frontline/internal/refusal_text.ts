import type { FailureKind, FailureReport, ProxyLimits } from "../../../pkg/proxy/mod.ts";

/** The failures that the owner of an app can do something about, and the setting of the edge that they depend on. */
const SETTINGS: Partial<Record<FailureKind, (limits: ProxyLimits, detail: string) => string>> = {
  header_too_large: ({ headBytesMax, headersMax }, detail) =>
    detail.includes("bytes")
      ? setting("--header-bytes-max", headBytesMax)
      : setting("--headers-max", headersMax),
  upstream_invalid: ({ responseHeadBytesMax, responseHeadersMax }, detail) => {
    if (detail.includes("longer than")) return setting("--response-header-bytes-max", responseHeadBytesMax);
    return detail.includes("more than") ? setting("--response-headers-max", responseHeadersMax) : "";
  },
  upstream_timeout: ({ responseHeadMsMax }, detail) =>
    detail.includes("answer") ? setting("--response-header-timeout-ms", responseHeadMsMax) : "",
  upstream_closed: () => "",
  instance_unreachable: () => "",
  waking: () => "",
  loop_detected: () => " The app forwards requests to its own host name.",
};

/** A line for the app's output; `undefined` for what is the client's affair. */
export function refusalText(report: FailureReport, limits: ProxyLimits): string | undefined {
  const advice = SETTINGS[report.kind]?.(limits, report.detail);
  if (advice === undefined) return undefined;
  const what = report.cut
    ? `cut off a response. ${report.cause ?? report.detail}`
    : `answered ${report.status}. ${report.detail}`;
  return `(unkey: the edge ${what}${advice})`;
}

function setting(flag: string, value: number): string {
  return ` The edge's setting ${flag} (now ${value}) is the limit.`;
}
