// The fan: what is known, then the median within its intervals.

import { drawing, language, t } from "./page.js";

const [HEIGHT, LEFT, BOTTOM, EDGE] = [320, 64, 28, 14]; // of the screen's own units
const LINES = 4;

/** A chart, so wide, of a forecast as the gateway sends it. */
export function fanChart(forecast, width) {
  const known = forecast.recent.map((one) => one.close);
  const { prospects } = forecast;
  const last = known.at(-1);
  const bands = prospects[0].intervals.map(({ level }) => ({
    level,
    lower: [last, ...prospects.map((one) => interval(one, level).lower)],
    upper: [last, ...prospects.map((one) => interval(one, level).upper)],
  }));
  const values = [...known, ...bands.flatMap((band) => [...band.lower, ...band.upper])];
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const count = known.length + prospects.length - 1;
  const x = (index) => LEFT + (index / count) * (width - LEFT - EDGE);
  const y = (value) =>
    EDGE + (1 - (value - least) / (most - least || 1)) * (HEIGHT - BOTTOM - EDGE);
  const points = (numbers, start) =>
    numbers.map((value, index) => `${x(start + index).toFixed(1)},${y(value).toFixed(1)}`);
  const from = known.length - 1;
  const shapes = bands.map((band) => {
    const outline = [...points(band.upper, from), ...points(band.lower, from).reverse()];
    return drawing("polygon", { points: outline.join(" "), class: "band" });
  });
  const median = points([last, ...prospects.map((one) => one.median)], from).join(" ");
  const end = prospects.at(-1);
  const widest = end.intervals.at(-1);
  const label = t("forecast.chart", {
    known: known.length,
    ahead: prospects.length,
    median: number(end.median),
    lower: number(widest.lower),
    upper: number(widest.upper),
  });
  return drawing(
    "svg",
    { viewBox: `0 0 ${width} ${HEIGHT}`, class: "fan", role: "img", "aria-label": label },
    ...ticks(least, most).flatMap((value) => tick(value, y, width)),
    ...days(forecast, x, from),
    ...shapes,
    drawing("polyline", { points: points(known, 0).join(" "), class: "known" }),
    drawing("polyline", { points: median, class: "median" }),
  );
}

function interval(prospect, level) {
  return prospect.intervals.find((one) => one.level === level);
}

function number(value) {
  return value.toLocaleString(language, { maximumSignificantDigits: 5 });
}

/** Round numbers within a range, LINES of them or a few more. */
function ticks(least, most) {
  const rough = (most - least || 1) / LINES;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [5, 2, 1].find((times) => times * power <= rough);
  const first = Math.ceil(least / step);
  return Array.from({ length: Math.floor(most / step) - first + 1 }, (_, index) => (first + index) * step);
}

function tick(value, y, width) {
  const place = { x1: LEFT, x2: width - EDGE, y1: y(value), y2: y(value) };
  const text = { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" };
  return [drawing("line", { ...place, class: "grid" }), drawing("text", text, number(value))];
}

function days({ recent, prospects }, x, from) {
  if (recent[0].day === null) return [];
  const marks = [
    [x(0), recent[0].day, "start"],
    [x(from), recent[from].day, "middle"],
    [x(from + prospects.length), prospects.at(-1).day, "end"],
  ];
  // Too close together, they would lie over each other.
  if (marks[2][0] - marks[1][0] < 130) marks.splice(1, 1);
  return marks.map(([place, day, anchor]) =>
    drawing("text", { x: place, y: HEIGHT - 8, "text-anchor": anchor }, day),
  );
}
