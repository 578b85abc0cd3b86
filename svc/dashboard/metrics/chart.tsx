/// <reference lib="dom" />
/** A chart with its legend, which has the values of the step that is pointed at, by mouse or by keyboard. */
import type { JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Plot, PlotOptions } from "./plot.ts";
import { type ChartData, chartText } from "./series.ts";

export interface ChartProps {
  readonly times: readonly number[];
  readonly chart: ChartData;
  readonly marks: readonly number[];
  /** The step that all charts of the page point at. */
  readonly step: number | undefined;
  readonly onStep: (step: number | undefined) => void;
}

export function Chart({ times, chart, marks, step, onStep }: ChartProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot>(undefined);
  const id = useId();
  const [fails, setFails] = useState(false);
  const latest = useRef<PlotOptions>({ times, chart, marks, onStep });
  latest.current = { times, chart, marks, onStep };
  useEffect(() => {
    let isOpen = true;
    import("./plot.ts").then(({ openPlot }) => {
      if (!isOpen || box.current === null) return;
      const { times, chart, marks } = latest.current;
      plot.current = openPlot(box.current, {
        times,
        chart,
        marks,
        onStep: (each) => latest.current.onStep(each),
      });
    }, () => setFails(true));
    return () => {
      isOpen = false;
      plot.current?.close();
    };
  }, []);
  useEffect(() => plot.current?.set({ times, chart, marks }), [times, chart, marks]);
  useEffect(() => plot.current?.point(step), [step]);
  const onKey = (event: KeyboardEvent): void => {
    const next = stepOf(event.key, step, times.length);
    if (next === step) return;
    event.preventDefault();
    onStep(next);
  };
  return (
    <section class="chart" aria-labelledby={id}>
      <h2 id={id}>{chart.title}</h2>
      <p class="legend">
        {chart.lines.map(({ name, kind, values, total }) => {
          const value = step === undefined ? total : values[step] ?? null;
          return (
            <span key={name}>
              <i class={`swatch line-${kind}`} aria-hidden="true" /> {name}{" "}
              {value === null ? "–" : chart.show(value)}
            </span>
          );
        })}
      </p>
      <div
        ref={box}
        class="plot"
        role="img"
        tabIndex={0}
        aria-label={chartText(chart)}
        onKeyDown={onKey}
        onBlur={() => onStep(undefined)}
      />
      {fails
        ? <p role="status">The charts did not load: load the page again. The table has the same numbers.</p>
        : null}
    </section>
  );
}

/** The step that a key leads to. */
export function stepOf(key: string, step: number | undefined, count: number): number | undefined {
  if (count === 0) return undefined;
  switch (key) {
    case "ArrowLeft":
      return Math.max(0, (step ?? count) - 1);
    case "ArrowRight":
      return Math.min(count - 1, (step ?? -1) + 1);
    case "Home":
      return 0;
    case "End":
      return count - 1;
    case "Escape":
      return undefined;
    default:
      return step;
  }
}
