import assert from "node:assert/strict";
import { type FailureReport, LIMITS } from "../../../pkg/proxy/mod.ts";
import { refusalText } from "./refusal_text.ts";

const REPORT: FailureReport = {
  kind: "upstream_invalid",
  detail: "The app's status line is malformed.",
  id: "req_1",
  status: 502,
  method: "GET",
  host: "shop.example.com",
  accept: undefined,
  upstream: "i@10.0.0.1:80",
  cut: false,
  cause: "10.0.0.1:80: refused",
};

const CASES: readonly (readonly [Partial<FailureReport>, RegExp | undefined])[] = [
  [{}, /^\(unkey: the edge answered 502\. The app's status line is malformed\.\)$/],
  [
    {
      kind: "header_too_large",
      status: 431,
      detail: "The request line and headers are longer than 32768 bytes.",
    },
    /431\. .* --header-bytes-max \(now 32768\) is the limit\.\)$/,
  ],
  [
    { kind: "header_too_large", status: 431, detail: "There are more than 128 headers." },
    /--headers-max \(now 128\)/,
  ],
  [
    { detail: "The app's response headers are longer than 65536 bytes." },
    /--response-header-bytes-max \(now 65536\)/,
  ],
  [{ detail: "… malformed: There are more than 512 headers." }, /--response-headers-max \(now 512\)/],
  [
    { kind: "upstream_timeout", status: 504, detail: "The app did not answer in time." },
    /--response-header-timeout-ms \(now 300000\)/,
  ],
  [
    { kind: "upstream_closed", cut: true, cause: "The connection to the app broke in mid-body: ECONNRESET" },
    /cut off a response\. The connection to the app broke in mid-body: ECONNRESET\)$/,
  ],
  [
    { kind: "instance_unreachable", status: 503, detail: "No instance took the connection." },
    /503\. No instance/,
  ],
  [{ kind: "bad_request", status: 400, detail: "A line does not end in CR LF." }, undefined],
  [{ kind: "request_timeout", status: 408 }, undefined],
  [{ kind: "unknown_host", status: 404 }, undefined],
];

Deno.test("refusalText() names the limit and the setting, and leaves out what is the client's affair", () => {
  for (const [changes, want] of CASES) {
    const text = refusalText({ ...REPORT, ...changes }, LIMITS);
    if (want === undefined) assert.equal(text, undefined);
    else assert.match(text ?? "", want);
    assert.ok(!(text ?? "").includes("10.0.0.1"), "no address of the platform");
  }
});
