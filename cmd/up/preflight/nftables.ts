/** Reads rules as `nft list ruleset` prints them. Tables that belong to iptables are read by that. */

const IPTABLES = /^table ip6? filter\b/;
const REFUSES = /^(counter (packets \d+ bytes \d+ )?)?(drop|reject( with .*)?)$/;
const ACCEPTS_ALL = /^(counter (packets \d+ bytes \d+ )?)?accept$/;

/**
 * True when a table refuses what comes in and has no rule that lets a port through. It looks for rules and does not follow
 * them, so that its answer is a hint.
 */
export function nftDrops(text: string, port: number): boolean {
  return tablesOf(text).some((lines) =>
    !IPTABLES.test(lines[0] ?? "") && refuses(lines) && !lets(lines, port)
  );
}

function tablesOf(text: string): readonly (readonly string[])[] {
  const tables: string[][] = [];
  for (const line of text.split("\n").map((each) => each.trim())) {
    if (line.startsWith("table ")) tables.push([]);
    tables.at(-1)?.push(line);
  }
  return tables;
}

/** True if a chain of incoming packets drops by default, or ends with a rule that refuses everything. */
function refuses(lines: readonly string[]): boolean {
  let incoming = false;
  for (const line of lines) {
    if (line.startsWith("chain ")) incoming = false;
    if (/^type filter hook input\b/.test(line)) {
      incoming = true;
      if (/policy drop;/.test(line)) return true;
    }
    if (incoming && REFUSES.test(line)) return true;
  }
  return false;
}

function lets(lines: readonly string[], port: number): boolean {
  return lines.some((line) => {
    if (ACCEPTS_ALL.test(line)) return true;
    const [, set, one] = /\btcp dport (?:\{([^}]*)\}|([\d-]+))/.exec(line) ?? [];
    if (!/\baccept\b/.test(line) || /\bsaddr\b/.test(line)) return false;
    return (set ?? one ?? "").split(",").some((range) => isIn(range.trim(), port));
  });
}

function isIn(range: string, port: number): boolean {
  const [first = "", last = first] = range.split("-");
  return first !== "" && Number(first) <= port && port <= Number(last);
}
