// The data and lists in an exported page; a page from a server has none.

const place = document.getElementById("catsdk-data");
const held = place ? JSON.parse(place.textContent) : null;

/** Whether the page was exported. */
export const exported = held !== null;

/** What an exported page leaves out, as text; empty on a page from a server. */
export const leftOut = held ? held.left_out : null;

/** The answer stored in the page; `undefined` if the server has to be asked. */
export function asked(question, given) {
  if (held === null) return undefined;
  if (question === "runs") return held.runs;
  const run = held.of[given.run ?? given.left];
  if (run === undefined) throw new Error(`there is no run ${given.run ?? given.left} in this file`);
  if (question === "items") return items(run, given);
  if (question === "item") return item(run, given);
  const told = run[question];
  if (told === undefined || told === null) throw new Error("this was left out of the exported file");
  return told;
}

function items(run, given) {
  const { by, found, rows } = matching(run, given);
  const counts = {};
  for (const name of Object.keys(run.run.filters)) counts[name] = found.filter((row) => row.passes.includes(name)).length;
  const offset = Number(given.offset ?? 0);
  return { rows: rows.slice(offset, offset + 100), total: rows.length, offset, page: 100, contender: by, counts };
}

/** The rows that a search finds and, in order, those of them that pass the filters. */
function matching(run, given) {
  const by = run.rows[given.by] ? given.by : run.run.contenders[0] ?? "";
  const every = run.rows[by] ?? [];
  const words = (given.q ?? "").toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [];
  const found = every.filter((row) => {
    const text = `${row.id} ${row.question} ${row.gold} ${row.answers} ${row.answer ?? ""}`.toLowerCase();
    return words.every((word) => text.includes(word)) && (!given.step || String(row.step) === String(given.step));
  });
  const filters = (given.filter ?? "").split(",").filter(Boolean);
  const rows = found.filter((row) => filters.every((name) => row.passes.includes(name)));
  sort(rows, given);
  return { by, found, rows };
}

function sort(rows, given) {
  const column = { order: "row", pass: "pass_rate" }[given.sort ?? "order"] ?? given.sort ?? "row";
  const way = given.way === "down" ? -1 : 1;
  rows.sort((one, other) => {
    const [left, right] = [one[column] ?? null, other[column] ?? null];
    if (left === null || right === null) return (left === null) - (right === null) || one.row - other.row;
    return left === right ? one.row - other.row : way * (left < right ? -1 : 1);
  });
}

function item(run, given) {
  const told = run.items[given.id];
  if (told === undefined) throw new Error("this item was left out of the exported file; its row is in the list");
  const chosen = told.by[given.by] ?? Object.values(told.by)[0];
  const { rows } = matching(run, given);
  const at = rows.findIndex((row) => row.id === given.id);
  const list = at < 0 ? {} : { before: rows[at - 1]?.id ?? null, after: rows[at + 1]?.id ?? null, at, of: rows.length };
  return { ...told.shared, ...chosen, list };
}
