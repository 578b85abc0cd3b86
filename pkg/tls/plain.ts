import type { Logger } from "../logger/mod.ts";

/** True for `http://` to another machine: others on the way can read what is sent, tokens too. */
export function isPlainToOthers(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === "http:" && !isLoopback(hostname);
}

function isLoopback(host: string): boolean {
  return /^(localhost|.+\.localhost|\[::1\]|127(\.\d{1,3}){3})$/.test(host);
}

/** The warning for people. */
export function plainText(url: string): string {
  return `${url} is not encrypted: machines on the way can read what is sent, keys and tokens too. Use https://.`;
}

/** Logs one warning for all URLs by which credentials or data cross a network unencrypted; to be called at the start. */
export function warnOfPlain(log: Logger, urls: Readonly<Record<string, string | undefined>>): void {
  const plain = Object.entries(urls).filter(([, url]) => url !== undefined && isPlainToOthers(url));
  if (plain.length === 0) return;
  log.warn("not encrypted: machines on the way can read what is sent, tokens too", {
    settings: plain.map(([setting, url]) => `${setting} ${url}`),
    check: "use https:// where the other side can",
  });
}
