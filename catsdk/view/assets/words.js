// Format numbers and outcomes.

const WHOLE = new Intl.NumberFormat("en-US");

export function whole(value) {
  return value === null || value === undefined ? "–" : WHOLE.format(value);
}

export function number(value, places = 2) {
  return value === null || value === undefined ? "–" : value.toFixed(places).replace("-", "−");
}

export function percent(value) {
  return value === null || value === undefined ? "–" : `${Math.round(100 * value)}%`;
}

export function dollars(value) {
  if (value === null || value === undefined) return "unknown";
  if (value === 0) return "$0";
  return `$${value < 0.01 ? value.toPrecision(2) : value.toFixed(value < 10 ? 3 : 2)}`;
}

export function seconds(value) {
  if (value === null || value === undefined) return "–";
  return value < 10 ? `${value.toFixed(2)} s` : `${value.toFixed(0)} s`;
}

/** How long ago a moment was, from seconds since the epoch. */
export function ago(moment) {
  const passed = Date.now() / 1000 - moment;
  if (passed < 60) return "just now";
  if (passed < 3600) return `${Math.floor(passed / 60)} min ago`;
  if (passed < 86400) return `${Math.floor(passed / 3600)} h ago`;
  return new Date(1000 * moment).toISOString().slice(0, 10);
}

/** A count with its noun: `counted(2, "item")` is "2 items". */
export function counted(count, name) {
  return `${whole(count)} ${name}${count === 1 ? "" : "s"}`;
}

/** How much of a run has been indexed; null if all of it has. */
export function indexing(run) {
  if (run.indexed) return null;
  return run.expected ? `indexing, ${whole(run.items)} of ${whole(run.expected)}` : `indexing, ${whole(run.items)} so far`;
}

export function short(text, most) {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** The word and class of a grade. */
export function graded(right) {
  if (right === null || right === undefined) return null;
  return right ? { word: "right", class: "good", sign: "✓" } : { word: "wrong", class: "bad", sign: "✗" };
}

/** The class of a reward between 0 and 1. */
export function tone(value) {
  if (value === null || value === undefined) return "none";
  if (value >= 1) return "good";
  return value <= 0 ? "bad" : "part";
}
