// Rubric: a matrix of criteria and rollouts; beside it, a verdict with its quote in the response.

import { go } from "./address.js";
import { ask } from "./data.js";
import { h, table } from "./dom.js";
import { head } from "./group.js";
import { label } from "./labels.js";
import { counted, dollars, number, percent, short, tone, whole } from "./words.js";

export async function showRubric(state) {
  const told = await ask("item", state);
  const { entry, matrices } = told;
  const node = h(
    "section",
    { class: "rubric" },
    head(told, state, "rubric"),
    h("h1", { class: "question" }, short(entry.question || entry.id, 300)),
    matrices.length ? matrices.map((matrix, at) => one(matrix, at, told, state)) : h("p", { class: "empty" }, "This item was not judged by criteria."),
  );
  return { title: `Rubric of ${short(entry.question || entry.id, 50)}`, node };
}

function one(matrix, at, told, state) {
  const chosen = cellOf(matrix, at, state);
  const by = [matrix.method, matrix.model].filter(Boolean).join(" by ");
  return [
    h("p", { class: "faint" }, `${counted(matrix.rows.length, "criterion").replace("criterions", "criteria")} · ${counted(matrix.columns.length, "rollout")} · ${by} · version ${matrix.version}`),
    notes(matrix),
    h("div", { class: "beside wide" }, h("div", {}, grid(matrix, at, chosen, state)), h("aside", { "aria-label": "Verdict" }, detail(matrix, chosen, told))),
  ];
}

function cellOf(matrix, at, state) {
  const [which, row, column] = (state.cell ?? "").split(".").map(Number);
  if (which === at && matrix.rows[row]?.cells[column]) return { row, column };
  return null;
}

function notes(matrix) {
  const dull = matrix.rows.filter((row) => !row.tells_apart && row.judged > 1);
  const text = (id) => short(matrix.rows.find((row) => row.id === id)?.text ?? id, 60);
  const missing = Object.entries(matrix.missing);
  const lines = [
    dull.length ? [h("b", {}, "Same verdict for all: "), dull.map((row) => short(row.text, 60)).join("; ")] : null,
    matrix.twins.length ? [h("b", {}, "Say the same: "), matrix.twins.map(([left, right]) => `“${text(left)}” and “${text(right)}”`).join("; ")] : null,
    missing.length ? [h("b", {}, "Cannot tell: "), missing.map(([kind, count]) => `${whole(count)} × ${kind}`).join(", ")] : null,
  ].filter(Boolean);
  return lines.length ? h("ul", { class: "notes" }, lines.map((each) => h("li", {}, each))) : null;
}

function grid(matrix, at, chosen, state) {
  const panel = matrix.rows.some((row) => row.agreement !== null);
  const heads = [
    "Criterion",
    ...matrix.columns.map((column) => ({ text: `#${column.index}`, class: "cell" })),
    { text: "Yes", class: "num" },
    { text: "Spread", class: "num" },
    ...(panel ? [{ text: "Judges agree", class: "num" }] : []),
  ];
  const rows = matrix.rows.map((row, r) =>
    h(
      "tr",
      { class: row.tells_apart || row.judged < 2 ? "" : "dull", data: { criterion: row.id } },
      h("th", { scope: "row", class: "criterion" }, row.text, h("small", {}, [row.id, row.kind, row.weight === 1 ? null : `weight ${row.weight}`].filter(Boolean).join(" · "))),
      row.cells.map((cell, c) => verdict(cell, row, matrix.columns[c], chosen?.row === r && chosen.column === c, () => go("rubric", { ...state, cell: `${at}.${r}.${c}` }, true), `${at}.${r}.${c}`)),
      h("td", { class: "num" }, percent(row.met)),
      h("td", { class: "num" }, row.tells_apart ? number(row.spread) : h("span", { class: "problem" }, row.judged > 1 ? "none" : "–")),
      panel ? h("td", { class: "num" }, percent(row.agreement)) : null,
    ),
  );
  rows.push(
    h(
      "tr",
      { class: "foot" },
      h("th", { scope: "row" }, "Reward"),
      matrix.columns.map((column) => h("td", { class: "cell" }, h("span", { class: `badge ${tone(column.reward)}`, title: [column.failure, ...column.reasons].filter(Boolean).join("; ") }, column.reward === null ? "None" : number(column.reward)))),
      h("td", {}),
      h("td", {}),
      panel ? h("td", {}) : null,
    ),
  );
  return table("Criteria against rollouts", heads, rows, { class: "matrix" });
}

function verdict(cell, row, column, chosen, choose, key) {
  const split = new Set(cell.votes?.map((vote) => vote.word)).size > 1;
  const good = cell.degree === null || cell.degree === undefined ? null : row.weight < 0 ? 1 - cell.degree : cell.degree;
  const sign = { yes: "✓", no: "✗" }[cell.word] ?? cell.word;
  const words = `Rollout ${column.index}: ${cell.word || "not judged"}${split ? ", the judges disagree" : ""}`;
  return h(
    "td",
    { class: "cell" },
    h("button", { type: "button", class: `verdict ${tone(good)}${split ? " split" : ""}`, "aria-pressed": String(chosen), "aria-label": words, data: { step: "", key: `cell-${key}`, cell: key }, on: { click: choose } }, sign),
  );
}

function detail(matrix, chosen, told) {
  if (!chosen) return [h("h2", { class: "over" }, "Verdict"), h("p", { class: "empty" }, "Choose a verdict to see its evidence.")];
  const row = matrix.rows[chosen.row];
  const column = matrix.columns[chosen.column];
  const cell = row.cells[chosen.column];
  const rollout = told.entry.group?.rollouts.find((each) => each.index === column.index);
  const pieces = cell.pieces ?? [{ text: rollout?.completion.text ?? "" }];
  return [
    h("h2", { class: "over" }, `Rollout ${column.index}: ${cell.word || "not judged"}`),
    h("p", {}, h("b", {}, row.text)),
    cell.reason ? h("p", {}, cell.reason) : null,
    cell.failure ? h("p", { class: "note bad" }, h("b", {}, "Cannot tell: "), cell.failure) : null,
    cell.evidence && !cell.found ? h("p", { class: "note part" }, `The quote “${short(cell.evidence, 300)}” is not in the response.`) : null,
    cell.word ? label(told, { criterion: row.id, rollout: column.index }, "Is the criterion met?", ["yes", "no"]) : null,
    cell.votes?.length ? h("ul", {}, cell.votes.map((vote) => h("li", {}, h("b", {}, `${vote.judge}: ${vote.word}`), vote.reason ? ` ${vote.reason}` : ""))) : null,
    h("p", { class: "text response" }, pieces.map((piece) => (piece.kind ? h("mark", { class: "quote" }, piece.text) : piece.text))),
    h("small", { class: "faint" }, [cell.judge || "no judge", cell.tokens ? `${whole(cell.tokens)} tokens` : "paid for elsewhere", dollars(cell.cost)].join(" · ")),
  ];
}
