import type { ResponsePart } from "./link.ts";

/** The part of a response with one more cookie, if it has the head. */
export function withCookie(part: ResponsePart, setCookie: string | undefined): ResponsePart {
  if (setCookie === undefined || part.start === undefined) return part;
  const { head, framing } = part.start;
  const field = { name: "Set-Cookie", lower: "set-cookie", value: setCookie };
  return { ...part, start: { head: { ...head, headers: [...head.headers, field] }, framing } };
}
