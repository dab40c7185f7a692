// Items: a page of a run's items, by filters, search and order.

import { go, link, listed } from "./address.js";
import { ask } from "./data.js";
import { h, table } from "./dom.js";
import { opening } from "./runs.js";
import { counted, dollars, graded, indexing, number, percent, short, whole } from "./words.js";

let waiting = 0;

export async function showItems(state) {
  const [run, told] = await Promise.all([ask("run", { run: state.run }), ask("items", state)]);
  const change = (changes, quietly) => go("items", { ...state, offset: "", ...changes }, quietly);
  const node = h(
    "section",
    {},
    h("h1", {}, run.title),
    facts(run),
    h("div", { class: "tools" }, search(state, change), by(run, told, change), steps(state, change)),
    filters(run, told, state, change),
    told.total ? list(run, told, state, change) : h("p", { class: "empty" }, run.indexed ? "No items match. Remove a filter, or search for fewer words." : `${indexing(run)} …`),
    pages(told, state),
  );
  // If there is nothing yet, look again soon.
  const again = !run.indexed && !told.rows.length ? 100 : run.running || !run.indexed ? 2000 : null;
  return { title: `Items of ${run.title}`, node, again };
}

function facts(run) {
  const parts = [counted(run.items, "item"), counted(run.rollouts, "rollout"), ...(run.tokens === null ? [] : [`${whole(run.tokens)} tokens`, dollars(run.cost)])];
  for (const [role, model] of Object.entries(run.models)) if (model) parts.push(`${role} ${short(String(model), 60)}`);
  return h("p", { class: "faint" }, parts.join(" · "), run.running ? h("span", { class: "badge part" }, "not finished") : null, run.indexed ? null : h("span", { class: "badge none" }, indexing(run)));
}

function search(state, change) {
  const input = h("input", {
    type: "search",
    "aria-label": "Search in questions, answers and texts",
    placeholder: "Search questions, answers, texts",
    value: state.q ?? "",
    data: { key: "search" },
    on: {
      input: () => {
        clearTimeout(waiting);
        waiting = setTimeout(() => change({ q: input.value }, true), 200);
      },
    },
  });
  return input;
}

function by(run, told, change) {
  if (run.contenders.length < 2) return null;
  const select = h(
    "select",
    { data: { key: "by" }, on: { change: () => change({ by: select.value }) } },
    run.contenders.map((each) => h("option", { value: each, selected: each === told.contender }, each.replace("/", ", G = "))),
  );
  return h("label", {}, "Reference by ", select);
}

function steps(state, change) {
  if (!state.step) return null;
  return h("button", { type: "button", class: "chip", "aria-pressed": "true", on: { click: () => change({ step: "" }) } }, `step ${state.step} ×`);
}

function filters(run, told, state, change) {
  const chosen = (state.filter ?? "").split(",").filter(Boolean);
  const chips = Object.entries(run.filters)
    .filter(([name]) => told.counts[name] || chosen.includes(name))
    .map(([name, words]) => {
      const on = chosen.includes(name);
      const next = on ? chosen.filter((each) => each !== name) : [...chosen, name];
      return h(
        "button",
        { type: "button", class: "chip", "aria-pressed": String(on), data: { key: `filter-${name}`, filter: name }, on: { click: () => change({ filter: next.join(",") }) } },
        words,
        h("span", { class: "count" }, whole(told.counts[name])),
      );
    });
  return chips.length ? h("div", { class: "chips", role: "group", "aria-label": "Filters" }, chips) : null;
}

function list(run, told, state, change) {
  const has = (name) => told.rows.some((row) => row[name] !== null && row[name] !== undefined);
  const head = (words, order, style = "") => {
    if (!order) return { text: words, class: style };
    const on = (state.sort ?? "order") === order;
    const down = state.way === "down";
    const turn = () => change(on ? { sort: order, way: down ? "" : "down" } : { sort: order, way: order === "id" || order === "order" ? "" : "down" });
    const sign = on ? (down ? " ↓" : " ↑") : "";
    return { class: style, sorted: on ? (down ? "descending" : "ascending") : null, node: h("button", { type: "button", class: "sort", data: { key: `sort-${order}` }, on: { click: turn } }, words + sign) };
  };
  const golden = told.rows.some((row) => row.gold !== "[]");
  const columns = [
    [head("Item", "order"), (row) => h("td", { class: "name" }, h("a", { href: to(row, state), tabindex: "-1" }, short(row.question || row.id, 160)), row.question && row.question !== row.id ? h("small", {}, short(row.id, 60)) : null)],
    golden && [head("Known answer"), (row) => h("td", { class: "answer" }, short(JSON.parse(row.gold)[0] ?? "–", 40))],
    has("agreement") && [head("Majority", "agreement"), majority],
    (has("answer") || has("score")) && [head("Reference", "score"), reference],
    has("pass_rate") && [head("Rollouts right", "pass", "num"), (row) => h("td", { class: "num" }, meter(row.pass_rate))],
    has("reward") && [head("Reward", "reward", "num"), (row) => h("td", { class: "num" }, number(row.reward))],
    has("reward") && [head("Spread", "spread", "num"), (row) => h("td", { class: "num" }, number(row.spread))],
    [head("Marks"), marks],
    has("step") && [head("Step", "step", "num"), (row) => h("td", { class: "num" }, whole(row.step))],
    [head("Tokens", "tokens", "num"), (row) => h("td", { class: "num" }, whole(row.tokens))],
    [head("Cost", "cost", "num"), (row) => h("td", { class: "num" }, dollars(row.cost))],
  ].filter(Boolean);
  const rows = told.rows.map((row) =>
    h(
      "tr",
      { class: "open", tabindex: "0", data: { step: "", key: `item-${row.id}`, item: row.id }, on: opening(to(row, state)) },
      columns.map(([, cell]) => cell(row)),
    ),
  );
  return table(`Items of ${run.title}`, columns.map(([each]) => each), rows, { class: "rows" });
}

function to(row, state) {
  return link("item", { ...listed(state), offset: state.offset, id: row.id });
}

function majority(row) {
  if (row.agreement === null) return h("td", {}, "–");
  return h("td", { class: "answer" }, row.majority === null ? h("span", { class: "badge part" }, "tie") : [sign(row.majority_right), short(row.majority, 40)], h("small", {}, `${percent(row.agreement)} agree`));
}

function reference(row) {
  if (row.answer === null && row.score === null) return h("td", {}, row.made_failure ? h("span", { class: "badge bad" }, "failed") : "–");
  const score = row.score !== null && row.score > 0 && row.score < 1 ? h("small", {}, `score ${number(row.score)}`) : null;
  return h("td", { class: "answer" }, sign(row.is_right), short(row.answer ?? "no answer", 40), score);
}

function sign(right) {
  const grade = graded(right === null || right === undefined ? null : Boolean(right));
  return grade ? h("span", { class: `sign ${grade.class}`, role: "img", "aria-label": grade.word }, grade.sign) : null;
}

/** A share as a number with a bar under it. */
export function meter(share) {
  return h("span", { class: "meter" }, percent(share), h("i", { style: { "--share": `${100 * (share ?? 0)}%` } }));
}

function marks(row) {
  const found = [];
  const add = (when, words, style) => when && found.push(h("span", { class: `badge ${style}` }, words));
  add(row.rescued, "right, all rollouts wrong", "good");
  add(row.is_right === 1 && row.majority_right === 0, "beats the majority", "good");
  add(row.is_right === 0 && row.majority_right === 1, "loses to the majority", "bad");
  add(row.departs && row.is_right === row.majority_right, "≠ majority", "part");
  add(row.failure || row.made_failure, "failed", "bad");
  add(row.failed_rollouts, `${row.failed_rollouts} lost`, "bad");
  add(row.unanswered, `${row.unanswered} without answer`, "none");
  add(row.unrewarded, `${row.unrewarded} reward None`, "bad");
  add(row.flat, "no spread", "none");
  add(row.dull, `${row.dull} dull ${row.dull === 1 ? "criterion" : "criteria"}`, "none");
  add(row.partial, "cut short", "part");
  return h("td", { class: "marks" }, found);
}

function pages(told, state) {
  const { total, offset, page } = told;
  if (!total) return null;
  const last = Math.min(total, offset + page);
  const button = (name, words, at, off) =>
    h("button", { type: "button", data: { press: name, key: name }, disabled: off, on: { click: () => go("items", { ...state, offset: at || "" }) } }, words);
  return h(
    "nav",
    { class: "pages", "aria-label": "Pages" },
    h("span", {}, `${whole(offset + 1)}–${whole(last)} of ${whole(total)}`),
    total > page ? [button("previous", "← Previous", Math.max(0, offset - page), offset === 0), button("next", "Next →", offset + page, last >= total)] : null,
  );
}
