/** Reads rules as `iptables-save` prints them. */

interface Rule {
  readonly words: readonly string[];
  readonly target: string;
}

interface Table {
  readonly policy: string;
  readonly chains: ReadonlyMap<string, readonly Rule[]>;
}

/** A rule that may or may not match decides nothing: a limit, or one source. */
type Match = "yes" | "no" | "maybe";
type Verdict = "accept" | "drop";

const DEPTH_MAX = 16;

/** The end of a new TCP connection of a stranger to a port; `undefined` without rules. */
export function iptablesVerdict(text: string, port: number): Verdict | undefined {
  const table = parse(text);
  if (table === undefined) return undefined;
  return verdictOf(table, "INPUT", port, 0) ?? (table.policy === "ACCEPT" ? "accept" : "drop");
}

function parse(text: string): Table | undefined {
  const chains = new Map<string, Rule[]>();
  let policy: string | undefined;
  for (const line of text.split("\n")) {
    const [, input] = /^:INPUT (\w+)/.exec(line) ?? [];
    policy ??= input;
    const [, chain, rest] = /^-A (\S+) ?(.*)$/.exec(line) ?? [];
    if (chain === undefined || rest === undefined) continue;
    const words = (rest.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? []).map(String);
    const at = words.findIndex((word) => word === "-j" || word === "-g");
    const rule = { words: at < 0 ? words : words.slice(0, at), target: at < 0 ? "" : words[at + 1] ?? "" };
    chains.set(chain, [...chains.get(chain) ?? [], rule]);
  }
  return policy === undefined ? undefined : { policy, chains };
}

function verdictOf(table: Table, chain: string, port: number, depth: number): Verdict | undefined {
  if (depth > DEPTH_MAX) return undefined;
  for (const { words, target } of table.chains.get(chain) ?? []) {
    const match = matchOf(words, port);
    if (match === "no") continue;
    if (target === "RETURN" && match === "yes") return undefined;
    if (target === "ACCEPT" && match === "yes") return "accept";
    if ((target === "DROP" || target === "REJECT") && match === "yes") return "drop";
    const nested = table.chains.has(target) ? verdictOf(table, target, port, depth + 1) : undefined;
    if (nested !== undefined && match === "yes") return nested;
  }
  return undefined;
}

function matchOf(words: readonly string[], port: number): Match {
  let match: Match = "yes";
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "!") {
      // A stranger does not come from the one source, nor from this machine.
      if (!["-s", "-i"].includes(words[at + 1] ?? "")) match = "maybe";
      at += 2;
      continue;
    }
    if (!word.startsWith("-")) continue;
    const one = optionMatch(word, words[at + 1] ?? "", port);
    if (one === "no") return "no";
    if (one === "maybe") match = "maybe";
  }
  return match;
}

/** Modules that only say which options follow, or nothing. */
const PLAIN_MODULES = new Set(["tcp", "multiport", "state", "conntrack", "comment", "addrtype"]);

function optionMatch(option: string, value: string, port: number): Match {
  switch (option) {
    case "-p":
      return value === "tcp" || value === "all" ? "yes" : "no";
    case "--dport":
    case "--dports":
      return value.split(",").some((range) => isIn(range, port)) ? "yes" : "no";
    case "-i":
      return value === "lo" ? "no" : "yes";
    case "-s":
      return /^(0\.0\.0\.0|::)\/0$/.test(value) ? "yes" : "maybe";
    case "--state":
    case "--ctstate":
      return value.split(",").includes("NEW") ? "yes" : "no";
    case "--dst-type":
      return value === "LOCAL" ? "yes" : "no";
    case "--comment":
      return "yes";
    case "-m":
      return PLAIN_MODULES.has(value) ? "yes" : "maybe";
    default:
      return "maybe";
  }
}

function isIn(range: string, port: number): boolean {
  const [first = "", last = first] = range.split(":");
  return Number(first) <= port && port <= Number(last);
}
