import type { Answer, FailureKind, FailureReport } from "../../../pkg/proxy/mod.ts";

interface Text {
  readonly title: string;
  /** The event, for visitors of the app. `undefined`: the report's detail. */
  readonly happened?: (host: string) => string;
  readonly advice: string;
  /** Seconds after which the same request may succeed. */
  readonly retryAfter?: number;
}

const APP_LOGS = 'If the app is yours, "unkey logs" shows what it printed.';
const CLIENT = "The request was not passed on. Check the client that sent it.";

/** `Record` makes a failure without a text a type error. */
const TEXTS: Record<FailureKind, Text> = {
  bad_request: { title: "Bad request", advice: CLIENT },
  header_too_large: {
    title: "Request headers too large",
    advice: "Send fewer or shorter headers or cookies.",
  },
  request_timeout: { title: "Request timed out", advice: "Send the request again." },
  not_implemented: { title: "Not implemented", advice: CLIENT },
  version_not_supported: { title: "HTTP version not supported", advice: CLIENT },
  expectation_failed: { title: "Expectation failed", advice: CLIENT },
  too_many_connections: {
    title: "Too many connections",
    happened: () => "The edge serves as many connections as it may.",
    advice: "Try again in a moment.",
    retryAfter: 1,
  },
  too_many_from_client: {
    title: "Too many requests",
    advice: "Close connections that are not used, wait for answers, and try again.",
    retryAfter: 5,
  },
  too_many_requests: {
    title: "The app has too many requests",
    advice: `Try again in a moment. ${APP_LOGS}`,
    retryAfter: 2,
  },
  loop_detected: {
    title: "Loop detected",
    happened: () => "The request came back to the edge again and again.",
    advice: "If the app is yours: it forwards requests to its own host name. Let it call another address.",
  },
  unknown_host: {
    title: "Nothing is deployed here",
    happened: (host) =>
      host === "" ? "The request names no host." : `No deployment answers for the host "${host}".`,
    advice: 'Check the address. If the app is yours, "unkey list" shows your deployments and their hosts, ' +
      'and "unkey deploy" makes a new one.',
  },
  unknown_deployment: {
    title: "No such deployment",
    happened: () => "The environment that answers here has no deployment with the id in X-Deployment-Id.",
    advice: "Leave the header out to reach what the host name stands for.",
  },
  no_instance: {
    title: "No instance is running",
    happened: (host) => `The app at "${host}" has no running instance at the moment.`,
    advice: `Try again in a few seconds. If the app is yours, "unkey status" shows what its instances do.`,
    retryAfter: 5,
  },
  deployment_stopped: {
    title: "This deployment is stopped",
    advice: 'If the app is yours, "unkey list" shows its deployments, and the one that is live.',
  },
  waking: {
    title: "The app is waking up",
    advice: `Try again in a few seconds. ${APP_LOGS}`,
    retryAfter: 5,
  },
  instance_unreachable: {
    title: "The app cannot be reached",
    happened: (host) =>
      `No instance of the app at "${host}" took the connection. The request was not processed.`,
    advice: `Try again in a moment. ${APP_LOGS}`,
    retryAfter: 2,
  },
  upstream_closed: {
    title: "The app closed the connection",
    happened: (host) => `The app at "${host}" ended the connection before it answered.`,
    advice: `It may have processed the request. ${APP_LOGS}`,
  },
  upstream_invalid: { title: "The app's response is not valid HTTP", advice: APP_LOGS },
  upstream_timeout: {
    title: "The app did not answer in time",
    happened: (host) => `The app at "${host}" took the request and gave no response in time.`,
    advice: `It may still process the request. ${APP_LOGS}`,
  },
  starting: {
    title: "Starting",
    happened: () => "The edge has just started and does not know its routes yet.",
    advice: "Try again in a moment.",
    retryAfter: 1,
  },
};

/** The response for a failure: a page for browsers, plain text where it is accepted, JSON otherwise. */
export function explain(report: FailureReport): Answer {
  const text = TEXTS[report.kind];
  const happened = text.happened?.(report.host ?? "") ?? report.detail;
  const format = formatFor(report.accept);
  const headers: (readonly [string, string])[] = [
    ["Content-Type", CONTENT_TYPE[format]],
    ["Cache-Control", "no-store"],
    ["X-Unkey-Error", report.kind],
  ];
  if (text.retryAfter !== undefined) headers.push(["Retry-After", String(text.retryAfter)]);
  const facts = {
    status: report.status,
    code: report.kind,
    title: text.title,
    happened,
    advice: text.advice,
    id: report.id,
  };
  return { status: report.status, headers, body: RENDER[format](facts) };
}

type Format = "html" | "json" | "text";

interface Facts {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly happened: string;
  readonly advice: string;
  readonly id: string;
}

const CONTENT_TYPE: Record<Format, string> = {
  html: "text/html; charset=utf-8",
  json: "application/json; charset=utf-8",
  text: "text/plain; charset=utf-8",
};

function formatFor(accept: string | undefined): Format {
  const wanted = accept?.toLowerCase() ?? "";
  if (wanted.includes("text/html")) return "html";
  if (wanted.includes("json")) return "json";
  return wanted.includes("text/plain") ? "text" : "json";
}

const RENDER: Record<Format, (facts: Facts) => string> = {
  text: ({ status, title, happened, advice, code, id }) =>
    `${status} ${title}\n\n${happened}\n${advice}\n\ncode: ${code}\nrequest: ${id}\n`,
  json: ({ status, title, happened, advice, code, id }) =>
    `${
      JSON.stringify({
        meta: { requestId: id },
        error: {
          status,
          title,
          type: `https://unkey.com/docs/errors/unkey/frontline/${code}`,
          code,
          detail: `${happened} ${advice}`,
        },
      })
    }\n`,
  html: ({ status, title, happened, advice, code, id }) =>
    `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${status} ${escape(title)}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 36rem; margin: 15vh auto 0; padding: 0 1.5rem; }
body { color: #1a1a1a; background: #fff; }
h1 { font-size: 1.5rem; margin: 0 0 1rem; }
h1 span { color: #767676; font-weight: normal; }
dl { color: #595959; font: 13px/1.6 ui-monospace, monospace; margin-top: 2rem; }
dt { float: left; width: 5.5rem; }
dd { margin: 0; overflow-wrap: anywhere; }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #111; } dl, h1 span { color: #a0a0a0; } }
</style>
</head>
<body>
<h1><span>${status}</span> ${escape(title)}</h1>
<p>${escape(happened)}</p>
<p>${escape(advice)}</p>
<dl><dt>code</dt><dd>${code}</dd><dt>request</dt><dd>${escape(id)}</dd></dl>
</body>
</html>
`,
};

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (each) => `&#${each.charCodeAt(0)};`);
}
