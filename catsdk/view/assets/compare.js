// Compare two estimators, from one run or two, item by item, with the paired test.

import { go, link } from "./address.js";
import { ask } from "./data.js";
import { h, table } from "./dom.js";
import { opening } from "./runs.js";
import { counted, graded, number, short, whole } from "./words.js";

const SHOWN = [
  ["flips", "flips"],
  ["gained", "right only on the right side"],
  ["lost", "right only on the left side"],
  ["all", "all items"],
];

export async function showCompare(state) {
  const asked = { left: state.left, right: state.right ?? state.left, left_by: state.left_by, right_by: state.right_by, show: state.show, offset: state.offset };
  const [{ runs }, told] = await Promise.all([ask("runs"), ask("compare", asked)]);
  const change = (changes) => go("compare", { ...asked, left_by: told.left.contender, right_by: told.right.contender, offset: "", ...changes });
  const node = h(
    "section",
    {},
    h("h1", {}, "Compare"),
    h("div", { class: "sides" }, side("left", told, runs, change), h("span", { class: "faint" }, "against"), side("right", told, runs, change)),
    told.items ? [test(told), shown(told, state, change), list(told)] : h("p", { class: "empty" }, "The two have no items in common. Items are joined by id."),
  );
  return { title: "Compare", node };
}

function side(name, told, runs, change) {
  const options = (values, chosen, words = (each) => each) => values.map((each) => h("option", { value: each, selected: each === chosen }, words(each)));
  const run = h("select", { "aria-label": `Run on the ${name}`, data: { key: `${name}-run` }, on: { change: () => change({ [name]: run.value, [`${name}_by`]: "" }) } }, options(runs.map((each) => each.run), told[name].run));
  const by = h("select", { "aria-label": `Reference on the ${name}`, data: { key: `${name}-by` }, on: { change: () => change({ [`${name}_by`]: by.value }) } }, options(told[`${name}_choices`], told[name].contender, (each) => each.replace("/", ", G = ")));
  return h("div", { class: "side" }, run, by);
}

function test(told) {
  const gain = told.right_mean === null || told.left_mean === null ? null : told.right_mean - told.left_mean;
  const cell = (words, value, note) => h("div", { class: "card" }, h("h2", {}, words), h("p", { class: "big" }, value), h("small", {}, note));
  const p = told.p_value === null ? "–" : number(told.p_value, 3);
  const corrected = told.p_holm === null ? "not corrected: one comparison" : `${number(told.p_holm, 3)} corrected (Holm) for ${whole(told.comparisons)} that could be chosen here`;
  return h(
    "div",
    { class: "cards" },
    cell("Left", number(told.left_mean, 3), `${told.left.contender.replace("/", ", G = ")} · ${whole(told.only_left)} right alone`),
    cell("Right", number(told.right_mean, 3), `${told.right.contender.replace("/", ", G = ")} · ${whole(told.only_right)} right alone`),
    cell("Right minus left", gain === null ? "–" : `${gain > 0 ? "+" : ""}${number(gain, 3)}`, `${whole(told.graded)} items with both grades, ${whole(told.both)} right on both sides`),
    cell("McNemar’s p", p, corrected),
  );
}

function shown(told, state, change) {
  const chosen = state.show ?? "flips";
  return h(
    "div",
    { class: "chips", role: "group", "aria-label": "Which items" },
    SHOWN.map(([name, words]) => h("button", { type: "button", class: "chip", "aria-pressed": String(name === chosen), data: { key: `show-${name}`, show: name }, on: { click: () => change({ show: name }) } }, words)),
    h("span", { class: "faint" }, counted(told.total, "item")),
  );
}

function list(told) {
  const answer = (text, right) => {
    const grade = graded(right === null ? null : Boolean(right));
    return h("td", { class: "answer" }, grade ? h("span", { class: `sign ${grade.class}`, role: "img", "aria-label": grade.word }, grade.sign) : null, short(text ?? "–", 60));
  };
  const rows = told.rows.map((row) => {
    const to = link("item", { run: told.right.run, by: told.right.contender, id: row.id });
    return h(
      "tr",
      { class: "open", tabindex: "0", data: { step: "", key: `item-${row.id}`, item: row.id }, on: opening(to) },
      h("td", { class: "name" }, h("a", { href: to, tabindex: "-1" }, short(row.question || row.id, 140))),
      h("td", { class: "answer" }, short(JSON.parse(row.gold)[0] ?? "–", 40)),
      answer(row.left_answer, row.left_right),
      answer(row.right_answer, row.right_right),
    );
  });
  const left = told.left.contender.replace("/", ", G = ");
  const right = told.right.contender.replace("/", ", G = ");
  const more = told.total > told.rows.length ? h("p", { class: "faint" }, `The first ${whole(told.rows.length)} of ${whole(told.total)} are shown.`) : null;
  return [table("Items of both", ["Item", "Known answer", `Left: ${left}`, `Right: ${right}`], rows, { class: "rows" }), more];
}

