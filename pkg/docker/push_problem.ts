/** Why an image did not get into a registry. */
export type PushProblem =
  /** Credentials are missing, wrong, or not enough. */
  | "denied"
  /** No room, or more than a quota allows. */
  | "full"
  /** It does not answer, or answers with errors of its own: another attempt can help. */
  | "unavailable"
  /** Anything else, such as a certificate that is not trusted: only an operator can help. */
  | "refused";

const FULL =
  /no space left|insufficient storage|entity too large|quota exceeded|exceed the configured upper limit/i;
const DENIED = /unauthorized|\bdenied\b|no basic auth credentials|authorization failed|forbidden/i;
const TRUST = /x509|certificate|http response to https client/i;
const UNAVAILABLE =
  /connection refused|no such host|timeout|deadline exceeded|connection reset|broken pipe|\bEOF\b|unreachable|request canceled|too many requests|unexpected (?:http )?status\b.{0,200}: 5\d\d /i;

/** A registry may answer anything, and a pattern may need time in proportion to the square of its length. */
const TEXT_CHARACTERS_MAX = 4_096;

/**
 * The meaning of a text of Docker or BuildKit. The order matters: a registry whose quota is used up says "denied" too, and
 * one whose certificate is bad cannot be reached either. Not every full registry says so: some only answer with 500.
 */
export function pushProblem(answer: string): PushProblem {
  const said = answer.slice(0, TEXT_CHARACTERS_MAX);
  if (FULL.test(said)) return "full";
  if (DENIED.test(said)) return "denied";
  if (TRUST.test(said)) return "refused";
  if (UNAVAILABLE.test(said)) return "unavailable";
  return "refused";
}
