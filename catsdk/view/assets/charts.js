// Charts as SVG: lines over steps on a shared axis, with the value at each point as text.

import { h, svg } from "./dom.js";
import { number, whole } from "./words.js";

const [WIDTH, HEIGHT] = [860, 260];
const EDGE = { left: 46, right: 12, top: 12, bottom: 30 };

/** The next larger number that divides into four round parts. */
function round(value) {
  const whole = 10 ** Math.floor(Math.log10(value));
  return whole * [1, 2, 4, 6, 8, 10].find((each) => each * whole >= value);
}

/** A chart of `curves` ({name, words, points: [[step, value]]}); `at` marks a step. */
export function chart(title, curves, { from, to, at = null, choose = null }) {
  const values = curves.flatMap((curve) => curve.points.map(([, value]) => value));
  const low = Math.min(0, ...values);
  const high = Math.max(values.length ? Math.max(...values) : 1, low + 1e-9);
  const top = high <= 1 && high > 0.2 ? 1 : round(high);
  const x = (step) => EDGE.left + ((step - from) / Math.max(1, to - from)) * (WIDTH - EDGE.left - EDGE.right);
  const y = (value) => HEIGHT - EDGE.bottom - ((value - low) / (top - low)) * (HEIGHT - EDGE.top - EDGE.bottom);
  const grid = [0, 0.25, 0.5, 0.75, 1].map((share) => low + share * (top - low));
  const marks = [...new Set([0, 0.25, 0.5, 0.75, 1].map((share) => Math.round(from + share * (to - from))))];
  const picture = svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title}: ${curves.map((curve) => curve.words).join(", ")}` },
    grid.map((value) => [
      svg("line", { class: "grid", x1: EDGE.left, x2: WIDTH - EDGE.right, y1: y(value), y2: y(value) }),
      svg("text", { x: EDGE.left - 6, y: y(value) + 4, "text-anchor": "end" }, number(value)),
    ]),
    marks.map((step) => svg("text", { x: x(step), y: HEIGHT - 10, "text-anchor": "middle" }, whole(step))),
    at === null ? null : svg("line", { class: "at", x1: x(at), x2: x(at), y1: EDGE.top, y2: HEIGHT - EDGE.bottom }),
    curves.map((curve, place) => [
      svg("polyline", { class: `line c${place % 6}`, points: curve.points.map(([step, value]) => `${x(step)},${y(value)}`).join(" ") }),
      curve.points.map(([step, value]) => svg("circle", { class: `c${place % 6}`, cx: x(step), cy: y(value), r: 3 }, svg("title", {}, `${curve.words}, step ${step}: ${number(value, 3)}`))),
    ]),
  );
  if (choose) {
    picture.addEventListener("click", (event) => {
      const box = picture.getBoundingClientRect();
      const place = ((event.clientX - box.left) / box.width) * WIDTH;
      choose(Math.round(from + ((place - EDGE.left) / (WIDTH - EDGE.left - EDGE.right)) * (to - from)));
    });
  }
  return h(
    "figure",
    {},
    h("figcaption", {}, h("b", {}, title), curves.map((curve, place) => h("span", { class: "key" }, h("i", { class: `c${place % 6}` }), curve.words))),
    picture,
  );
}
