/** Curves over time as one SVG that reads on a light and on a dark page; its texts are text nodes and nothing else. */

export interface Series {
  readonly name: string;
  /** Minutes, and a value in the panel's unit. */
  readonly points: readonly (readonly [number, number])[];
}

export interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly series: readonly Series[];
}

const COLUMNS = 2;
const PANEL = { width: 460, height: 236 };
const PLOT = { left: 56, top: 44, width: 388, height: 148 };
const HEAD = 34;
const LEGEND = { perLine: 4, lineHeight: 13, columnWidth: 97 };
const TICKS = 4;
const POINTS_MAX = 400;
/** Of middle lightness. */
const COLOURS = ["#2f81d6", "#d9730d", "#2da44e", "#a371d9", "#c93c8a", "#8a8f14", "#0f9aa8", "#b4553b"];
const STYLE = "text{font:11px sans-serif;fill:#57606a}.title{font-weight:bold;font-size:12px}" +
  ".head{font-weight:bold;font-size:14px}.axis{stroke:#8c959f;stroke-width:1;fill:none}" +
  ".grid{stroke:#8c959f;stroke-width:1;stroke-opacity:.3;fill:none}.line{fill:none;stroke-width:1.5}" +
  "@media(prefers-color-scheme:dark){text{fill:#adbac7}}";

/** The panels side by side, two in each row. */
export function renderChart(head: string, panels: readonly Panel[]): string {
  const rows = Math.ceil(panels.length / COLUMNS);
  const [width, height] = [COLUMNS * PANEL.width, HEAD + rows * PANEL.height];
  const parts = panels.map((panel, index) => {
    const [x, y] = [index % COLUMNS * PANEL.width, HEAD + Math.floor(index / COLUMNS) * PANEL.height];
    return `<g transform="translate(${x} ${y})">\n${renderPanel(panel).join("\n")}\n</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(head)}</title>`,
    `<style>${STYLE}</style>`,
    text({ x: 8, y: 22, className: "head" }, head),
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

function renderPanel({ title, unit, series }: Panel): string[] {
  const all = series.flatMap(({ points }) => points);
  const minutes = Math.max(0, ...all.map(([x]) => x));
  const top = roundedUp(Math.max(0, ...all.map(([, y]) => y)));
  const xOf = (x: number): string => fixed(PLOT.left + (minutes === 0 ? 0 : x / minutes) * PLOT.width);
  const yOf = (y: number): string => fixed(PLOT.top + (1 - y / top) * PLOT.height);
  const bottom = PLOT.top + PLOT.height;
  const lines = [text({ x: 8, y: 16, className: "title" }, `${title} (${unit})`)];
  series.forEach(({ name }, index) => {
    const x = PLOT.left + index % LEGEND.perLine * LEGEND.columnWidth;
    const y = 16 + LEGEND.lineHeight * (1 + Math.floor(index / LEGEND.perLine));
    lines.push(text({ x, y, fill: colourOf(index) }, name));
  });
  for (let tick = 0; tick <= TICKS; tick++) {
    const value = top * tick / TICKS;
    lines.push(`<path class="grid" d="M${PLOT.left} ${yOf(value)}h${PLOT.width}"/>`);
    lines.push(text({ x: PLOT.left - 6, y: Number(yOf(value)) + 4, anchor: "end" }, short(value)));
    const minute = minutes * tick / TICKS;
    lines.push(text({ x: Number(xOf(minute)), y: bottom + 16, anchor: "middle" }, short(minute)));
  }
  lines.push(`<path class="axis" d="M${PLOT.left} ${PLOT.top}V${bottom}h${PLOT.width}"/>`);
  lines.push(text({ x: PLOT.left + PLOT.width, y: bottom + 30, anchor: "end" }, "minutes"));
  series.forEach(({ points }, index) => {
    if (points.length === 0) return;
    const path = thinned(points).map(([x, y], n) => `${n === 0 ? "M" : "L"}${xOf(x)} ${yOf(y)}`).join("");
    lines.push(`<path class="line" stroke="${colourOf(index)}" d="${path}"/>`);
  });
  return lines;
}

/** At most so many points, each the highest of those that it stands for: a peak is never lost. */
function thinned(points: Series["points"]): Series["points"] {
  const step = Math.ceil(points.length / POINTS_MAX);
  if (step <= 1) return points;
  const groups = Array.from(
    { length: Math.ceil(points.length / step) },
    (_, n) => points.slice(n * step, (n + 1) * step),
  );
  return groups.flatMap((group) => {
    const highest = group.toSorted((a, b) => b[1] - a[1])[0];
    return highest === undefined ? [] : [highest];
  });
}

/** The next number with one digit that divides evenly into the ticks. */
function roundedUp(value: number): number {
  if (value <= 0) return 1;
  const unit = 10 ** Math.floor(Math.log10(value));
  const factor = [1, 2, 4, 6, 8, 10].find((each) => each * unit >= value) ?? 10;
  return factor * unit;
}

function colourOf(index: number): string {
  return COLOURS[index % COLOURS.length] ?? "#57606a";
}

function short(value: number): string {
  if (value >= 10_000) return `${(value / 1_000).toFixed(0)}k`;
  return Number.isInteger(value) ? String(value) : value.toFixed(1);
}

function fixed(value: number): string {
  return value.toFixed(1).replace(/\.0$/, "");
}

interface TextAt {
  readonly x: number;
  readonly y: number;
  readonly className?: string;
  readonly anchor?: "middle" | "end";
  readonly fill?: string;
}

function text({ x, y, className, anchor, fill }: TextAt, content: string): string {
  const attributes = [
    `x="${fixed(x)}" y="${fixed(y)}"`,
    ...(className === undefined ? [] : [`class="${className}"`]),
    ...(anchor === undefined ? [] : [`text-anchor="${anchor}"`]),
    // A style, since the sheet's rule comes before an attribute.
    ...(fill === undefined ? [] : [`style="fill:${fill}"`]),
  ];
  return `<text ${attributes.join(" ")}>${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
