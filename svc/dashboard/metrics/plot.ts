/// <reference lib="dom" />
/** Draws a chart on a canvas. Only pages with charts load this file, which brings the library along. */
import uPlot from "uplot";
import type { ChartData, LineKind } from "./series.ts";

export interface PlotOptions {
  /** In milliseconds. */
  readonly times: readonly number[];
  readonly chart: ChartData;
  /** Switches of traffic, in milliseconds. */
  readonly marks: readonly number[];
  /** The pointer is over a step, or over none. */
  readonly onStep: (index: number | undefined) => void;
}

export interface Plot {
  set(options: Pick<PlotOptions, "times" | "chart" | "marks">): void;
  /** Points at a step, or at none. */
  point(index: number | undefined): void;
  close(): void;
}

const HEIGHT = 170;
const LEFT_SIZE = 64;
const DASHES: Readonly<Record<LineKind, readonly number[]>> = {
  good: [],
  calm: [1, 3],
  busy: [6, 3],
  bad: [10, 3, 2, 3],
  first: [],
  second: [6, 3],
  third: [2, 3],
};

/** Draws into `box`, as wide as it is, in the colours of its classes, until it is closed. */
export function openPlot(box: HTMLElement, options: PlotOptions): Plot {
  let { chart, marks } = options;
  const colour = (name: string): string => colourOf(box, name);
  const axis = { stroke: () => colour("axis"), grid: { stroke: () => colour("grid"), width: 1 } };
  const plot = new uPlot(
    {
      width: Math.max(1, box.clientWidth),
      height: HEIGHT,
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false, points: { size: 7 } },
      scales: { y: { range: (_plot, _least, most) => [0, most > 0 ? most * 1.08 : 1] } },
      axes: [
        { ...axis, size: 30 },
        {
          ...axis,
          size: LEFT_SIZE,
          values: (_plot, values) => values.map((value) => chart.show(value)),
        },
      ],
      series: [
        {},
        ...chart.lines.map(({ name, kind }) => ({
          label: name,
          stroke: () => colour(kind),
          width: 1.5,
          dash: [...DASHES[kind]],
          points: {
            show: true,
            size: 4,
            fill: () => colour(kind),
            filter: (drawn: uPlot, at: number) => aloneIn(drawn.data[at] ?? []),
          },
        })),
      ],
      hooks: {
        drawAxes: [(drawn) => drawMarks(drawn, marks, colour("mark"))],
        setCursor: [
          ({ cursor: { idx, left } }) =>
            options.onStep(typeof idx === "number" && (left ?? -1) >= 0 ? idx : undefined),
        ],
      },
    },
    dataOf(options),
    box,
  );
  const resizes = new ResizeObserver(() =>
    plot.setSize({ width: Math.max(1, box.clientWidth), height: HEIGHT })
  );
  resizes.observe(box);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const redraw = (): void => plot.redraw(false);
  dark.addEventListener("change", redraw);
  return {
    set(next) {
      ({ chart, marks } = next);
      plot.setData(dataOf(next));
    },
    point(index) {
      const time = index === undefined ? undefined : plot.data[0][index];
      const left = time === undefined ? -10 : plot.valToPos(time, "x");
      if (Math.abs((plot.cursor.left ?? -10) - left) >= 1) plot.setCursor({ left, top: 1 }, false);
    },
    close() {
      resizes.disconnect();
      dark.removeEventListener("change", redraw);
      plot.destroy();
    },
  };
}

/** Values between two steps without one: no line leads to them. */
function aloneIn(values: ArrayLike<number | null | undefined>): number[] {
  const has = (index: number): boolean => typeof values[index] === "number";
  return Array.from(values, (_, index) => index)
    .filter((index) => has(index) && !has(index - 1) && !has(index + 1));
}

/** The library counts in seconds. */
function dataOf({ times, chart }: Pick<PlotOptions, "times" | "chart">): uPlot.AlignedData {
  return [times.map((ms) => ms / 1_000), ...chart.lines.map(({ values }) => [...values])];
}

function drawMarks({ ctx, bbox, valToPos, scales }: uPlot, marks: readonly number[], colour: string): void {
  const { min = 0, max = 0 } = { min: scales["x"]?.min ?? 0, max: scales["x"]?.max ?? 0 };
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.fillStyle = colour;
  ctx.lineWidth = devicePixelRatio;
  for (const mark of marks) {
    const seconds = mark / 1_000;
    if (seconds < min || seconds > max) continue;
    const x = Math.round(valToPos(seconds, "x", true));
    const size = 4 * devicePixelRatio;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.beginPath();
    ctx.moveTo(x - size, bbox.top);
    ctx.lineTo(x + size, bbox.top);
    ctx.lineTo(x, bbox.top + size);
    ctx.fill();
  }
  ctx.restore();
}

/** A canvas takes no names of the style sheet. */
function colourOf(box: HTMLElement, name: string): string {
  const probe = document.createElement("i");
  probe.className = `line-${name}`;
  box.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
