// Runs: cost, failures, agreement of rollouts, and accuracy of each run.

import { link } from "./address.js";
import { ask } from "./data.js";
import { h, table } from "./dom.js";
import { ago, counted, dollars, indexing, number, percent, whole } from "./words.js";

export async function showRuns() {
  const { root, runs, ready } = await ask("runs");
  const newest = [...runs].sort((one, other) => other.changed - one.changed);
  const again = !ready && !runs.length ? 200 : !ready || runs.some((run) => run.running || !run.indexed) ? 2000 : 10000;
  const node = h(
    "section",
    {},
    h("h1", {}, "Runs"),
    h("p", { class: "faint" }, `${counted(runs.length, "run")} in `, h("code", {}, root), ready ? "" : " · still looking"),
    runs.length ? list(newest) : empty(ready),
  );
  return { title: "Runs", node, again };
}

function empty(ready) {
  if (!ready) return h("p", { class: "empty" }, "Looking for runs …");
  return h(
    "div",
    { class: "empty" },
    h("p", {}, "There are no runs here. The viewer shows the output of these commands:"),
    h("ul", {}, ["catsdk eval … --out DIR", "catsdk batch … --out DIR", "catsdk rubric judge … --out DIR/x.json", "catsdk train … --out DIR", "catsdk serve, with evidence: FILE"].map((each) => h("li", {}, h("code", {}, each)))),
  );
}

function list(runs) {
  const heads = [
    "Run",
    { text: "Kind" },
    { text: "Items", class: "num" },
    { text: "Score, with 95 % interval" },
    { text: "Agreement", class: "num" },
    { text: "Failures", class: "num" },
    { text: "Tokens", class: "num" },
    { text: "Cost", class: "num" },
    { text: "Changed" },
  ];
  return table("Runs", heads, runs.map(row), { class: "rows" });
}

function row(run) {
  const to = link(run.kind === "train" ? "training" : "items", { run: run.run });
  const state = run.running ? h("span", { class: "badge part" }, "not finished") : null;
  const reading = run.indexed ? null : h("span", { class: "badge none" }, indexing(run));
  return h(
    "tr",
    { class: "open", tabindex: "0", data: { step: "", key: run.run }, on: opening(to) },
    h("td", { class: "name" }, h("a", { href: to, tabindex: "-1" }, run.title), state, reading, h("small", {}, run.title === run.run ? run.data : [run.run, run.data && run.data !== run.run ? ` · ${run.data}` : ""]), run.problems.map((each) => h("small", { class: "problem" }, each))),
    h("td", {}, h("span", { class: "badge none" }, run.kind)),
    h("td", { class: "num" }, whole(run.items)),
    h("td", {}, run.scores.length ? scores(run.scores) : run.reward === null ? "–" : `mean reward ${number(run.reward)}`),
    h("td", { class: "num" }, percent(run.agreement)),
    h("td", { class: "num" }, failures(run)),
    h("td", { class: "num" }, whole(run.tokens)),
    h("td", { class: "num" }, run.tokens === null ? "–" : dollars(run.cost)),
    h("td", {}, ago(run.changed)),
  );
}

/** Open a row by a click anywhere on it, or by Enter. */
export function opening(to) {
  return {
    click: (event) => {
      if (!event.target.closest("a, button, input")) location.hash = to;
    },
    keydown: (event) => {
      if (event.key === "Enter" && event.target === event.currentTarget) location.hash = to;
    },
  };
}

function failures(run) {
  const parts = [];
  if (run.failed) parts.push(counted(run.failed, "item"));
  if (run.failed_rollouts) parts.push(counted(run.failed_rollouts, "rollout"));
  if (run.unrewarded) parts.push(`${counted(run.unrewarded, "reward")} None`);
  return parts.length ? h("span", { class: "problem" }, parts.join(", ")) : "0";
}

function scores(all) {
  const best = [...all].sort((one, other) => other.score.mean - one.score.mean).slice(0, 4);
  return h(
    "div",
    { class: "scores" },
    best.map(({ estimator, size, score, control }) => [
      h("span", { title: control ? "a control" : null }, `${estimator}${control ? "°" : ""} `, h("small", {}, `G ${size}`)),
      interval(score),
      h("span", { class: "num" }, number(score.mean, 3)),
    ]),
  );
}

/** A mean with its interval on a line from 0 to 1. */
function interval(score) {
  const percentOf = (value) => `${100 * Math.min(1, Math.max(0, value))}%`;
  const words = `${number(score.low, 2)} to ${number(score.high, 2)}`;
  return h(
    "span",
    { class: "interval", role: "img", "aria-label": words, title: words },
    h("i", { style: { left: percentOf(score.low), width: percentOf(score.high - score.low) } }),
    h("b", { style: { left: percentOf(score.mean) } }),
  );
}
