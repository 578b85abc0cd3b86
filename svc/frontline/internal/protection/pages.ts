/** The answers to visitors without a proof. */
import { createHash } from "node:crypto";
import type { Answer, ProxyRequest } from "../../../../pkg/proxy/mod.ts";
import { LINK_HEADER } from "../../../../pkg/access_proof/mod.ts";

/** The edge takes passwords here on hosts that are protected. */
export const ACCESS_PATH = "/_unkey/access";
export const PASSWORD_FIELD = "password";
export const TARGET_FIELD = "to";

/** Why a request is not let through. */
export type Refusal =
  | { readonly kind: "no_proof" | "link_ended" | "link_invalid" | "wrong_password" | "unavailable" }
  | { readonly kind: "bad_form"; readonly status: 413 | 415 }
  | { readonly kind: "too_many"; readonly retryAfterSeconds: number };

interface Text {
  readonly status: number;
  /** For the visitor; the page shows it above the form. Empty: there is nothing wrong yet. */
  readonly problem: string;
}

function textOf(refusal: Refusal): Text {
  switch (refusal.kind) {
    case "no_proof":
      return { status: 401, problem: "" };
    case "link_ended":
      return {
        status: 401,
        problem: "The link has ended. Ask its owner for a new one, or enter the password.",
      };
    case "link_invalid":
      return {
        status: 401,
        problem:
          "The link is not valid here, or was revoked. Ask its owner for a new one, or enter the password.",
      };
    case "wrong_password":
      return { status: 401, problem: "The password is not right. Check it and enter it again." };
    case "unavailable":
      return { status: 503, problem: "The password cannot be checked at the moment. Try again in a minute." };
    case "too_many":
      return {
        status: 429,
        problem: `Too many passwords were tried. Try again in ${refusal.retryAfterSeconds} seconds.`,
      };
    case "bad_form":
      return {
        status: refusal.status,
        problem: "The form was not as this page sends it. Enter the password again.",
      };
  }
}

/** The answer: a page with a form for browsers, JSON for all others. `to`: the path to show after the password. */
export function refuse(
  request: ProxyRequest,
  refusal: Refusal,
  { host, to }: { readonly host: string; readonly to: string },
): Answer {
  const { status, problem } = textOf(refusal);
  const accept = request.headers.find((each) => each.lower === "accept")?.value.toLowerCase() ?? "";
  const isPage = accept.includes("text/html");
  const headers: (readonly [string, string])[] = [
    ["Content-Type", isPage ? "text/html; charset=utf-8" : "application/json; charset=utf-8"],
    ...GUARDS,
    ["X-Unkey-Error", "protected"],
  ];
  // A scheme that no browser knows: with Basic it would ask in a window of its own.
  if (status === 401) headers.push(["WWW-Authenticate", 'Unkey realm="protected"']);
  if (refusal.kind === "too_many") headers.push(["Retry-After", String(refusal.retryAfterSeconds)]);
  if (isPage) return { status, headers: [...headers, ...PAGE_GUARDS], body: page({ host, to, problem }) };
  return { status, headers, body: json({ status, problem, id: request.id }) };
}

/** Nothing keeps the answer, finds it by a search, or learns the address that it was shown at. */
const GUARDS: readonly (readonly [string, string])[] = [
  ["Cache-Control", "private, no-store"],
  ["X-Robots-Tag", "noindex, nofollow"],
  ["Referrer-Policy", "no-referrer"],
  ["X-Content-Type-Options", "nosniff"],
];

/** To a path of the same host, with a cookie or without. */
export function moveTo(status: 303 | 307, path: string, cookie?: string): Answer {
  return {
    status,
    headers: [
      ["Location", path],
      ["Content-Type", "text/plain; charset=utf-8"],
      ...GUARDS,
      ...(cookie === undefined ? [] : [["Set-Cookie", cookie] as const]),
    ],
    body: "",
  };
}

function json({ status, problem, id }: { status: number; problem: string; id: string }): string {
  const advice =
    `Send the password with HTTP Basic, with any user name, or the token of a link of "unkey share" in ${LINK_HEADER}.`;
  const detail = `This environment is protected. ${problem === "" ? "" : `${problem} `}${advice}`;
  const error = { status, title: "Protected", code: "protected", detail };
  return `${JSON.stringify({ meta: { requestId: id }, error })}\n`;
}

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 24rem; margin: 15vh auto 0; padding: 0 1.5rem; }
body { color: #1a1a1a; background: #fff; }
h1 { font-size: 1.5rem; margin: 0 0 1rem; overflow-wrap: anywhere; }
label { display: block; margin: 1.5rem 0 .25rem; font-weight: 600; }
input, button { font: inherit; width: 100%; box-sizing: border-box; padding: .6rem; border-radius: 6px; }
input { border: 1px solid #767676; color: inherit; background: transparent; }
button { margin-top: 1rem; border: 0; color: #fff; background: #1a1a1a; cursor: pointer; }
input:focus-visible, button:focus-visible { outline: 3px solid #2563eb; outline-offset: 2px; }
.problem { color: #b00020; }
@media (prefers-color-scheme: dark) {
  body { color: #eee; background: #111; }
  button { color: #111; background: #eee; }
  .problem { color: #ff8a80; }
}
`;
const STYLE_DIGEST = createHash("sha256").update(STYLE).digest("base64");
const PAGE_GUARDS: readonly (readonly [string, string])[] = [
  [
    "Content-Security-Policy",
    `default-src 'none'; style-src 'sha256-${STYLE_DIGEST}'; form-action 'self'; base-uri 'none'; ` +
    "frame-ancestors 'none'",
  ],
  ["X-Frame-Options", "DENY"],
];

function page(
  { host, to, problem }: { readonly host: string; readonly to: string; readonly problem: string },
): string {
  const alert = problem === "" ? "" : `<p class="problem" role="alert" id="problem">${escape(problem)}</p>\n`;
  const described = problem === "" ? "" : ' aria-invalid="true" aria-describedby="problem"';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<title>Password needed</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Password needed</h1>
<p>The owner of ${escape(host)} has protected it.</p>
${alert}<form method="post" action="${ACCESS_PATH}">
<input type="hidden" name="${TARGET_FIELD}" value="${escape(to)}">
<label for="password">Password</label>
<input id="password" name="${PASSWORD_FIELD}" type="password" autocomplete="current-password" required autofocus${described}>
<button type="submit">Continue</button>
</form>
</main>
</body>
</html>
`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (each) => `&#${each.charCodeAt(0)};`);
}
