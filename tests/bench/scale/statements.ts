/** The server's notes of statements that read many rows, by their shape. */

/** All runs of one statement, whatever its values. */
export interface NotedStatement {
  readonly text: string;
  readonly times: number;
  /** Of one run. */
  readonly rowsMax: number;
  readonly rows: number;
  readonly seconds: number;
}

const HEAD = /^# Query_time: ([\d.]+)\s+Lock_time: [\d.]+\s+Rows_sent: \d+\s+Rows_examined: (\d+)/;
const NO_STATEMENT = /^(?:#|use |SET timestamp=|set timestamp=|\/|Tcp port|Time\s)/;

/** Reads a log of MariaDB; statements of `ignored` tables are the measurement's own. Those that read most come first. */
export function readStatements(
  log: string,
  isOwn: (text: string) => boolean = () => false,
): readonly NotedStatement[] {
  const found = new Map<string, { times: number; rowsMax: number; rows: number; seconds: number }>();
  let [seconds, rows, lines]: [number, number, string[]] = [0, 0, []];
  const end = (): void => {
    const text = shapeOf(lines.join(" "));
    lines = [];
    if (text === "" || isOwn(text)) return;
    const known = found.get(text) ?? { times: 0, rowsMax: 0, rows: 0, seconds: 0 };
    found.set(text, {
      times: known.times + 1,
      rowsMax: Math.max(known.rowsMax, rows),
      rows: known.rows + rows,
      seconds: known.seconds + seconds,
    });
  };
  for (const line of log.split("\n")) {
    const head = HEAD.exec(line);
    if (head !== null) {
      end();
      [seconds, rows] = [Number(head[1]), Number(head[2])];
    } else if (!NO_STATEMENT.test(line) && line.trim() !== "") lines.push(line.trim());
  }
  end();
  return Array.from(found, ([text, sums]) => ({ text, ...sums })).toSorted((a, b) => b.rows - a.rows);
}

function shapeOf(statement: string): string {
  return statement.replaceAll(/'(?:[^'\\]|\\.|'')*'/g, "?").replaceAll(/\b\d+(?:\.\d+)?\b/g, "?")
    .replaceAll(/\?(?:\s*,\s*\?)+/g, "?, ...").replaceAll(
      /\(\?, \.\.\.\)(?:, \(\?, \.\.\.\))+/g,
      "(?, ...), ...",
    )
    .replaceAll("`", "").replace(/;$/, "").trim();
}
