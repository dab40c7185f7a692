// Training: logged metrics on a shared axis of steps, and a slider over the groups of each step.

import { go, link } from "./address.js";
import { chart } from "./charts.js";
import { ask } from "./data.js";
import { h, table } from "./dom.js";
import { opening } from "./runs.js";
import { counted, number, percent, short, whole } from "./words.js";

const CHARTS = [
  ["Reward and agreement", ["reward", "agreement", "zero variance", "scored"]],
  ["Held out", ["held-out policy", "held-out majority", "held-out teacher", "held-out agreement"]],
  ["Lead of the teacher", ["lead"]],
  ["Entropy and KL", ["entropy", "kl"]],
  ["Length", ["length"]],
];

export async function showTraining(state) {
  const [run, told] = await Promise.all([ask("run", { run: state.run }), ask("training", { run: state.run })]);
  const steps = told.steps.map((each) => each.step);
  const known = [...steps, ...told.curves.flatMap((curve) => curve.points.map(([step]) => step))];
  const axis = { from: Math.min(...known, 0), to: Math.max(...known, 1) };
  const at = steps.length ? nearest(steps, state.step === undefined || state.step === "" ? steps[steps.length - 1] : Number(state.step)) : null;
  const choose = (step) => steps.length && go("training", { ...state, step: nearest(steps, step) }, true);
  const items = at === null ? null : await ask("items", { run: state.run, step: at });
  const node = h(
    "section",
    {},
    h("h1", {}, run.title),
    h("p", { class: "faint" }, [run.kind === "train" ? run.data : "not a training", run.models.policy && `policy ${run.models.policy}`].filter(Boolean).join(" · ")),
    told.alarms.map((each) => h("p", { class: "note bad", role: "note" }, h("b", {}, "Alarm: "), each)),
    run.problems.map((each) => h("p", { class: "note part" }, each)),
    told.curves.length || steps.length ? null : h("p", { class: "empty" }, "Nothing has been logged yet: the first numbers appear with the first checkpoint."),
    steps.length ? slider(steps, at, told.steps.find((each) => each.step === at), choose) : null,
    items ? groups(items, state, at) : null,
    steps.length || !told.curves.length ? null : h("p", { class: "faint" }, "The groups were not kept: train with ", h("code", {}, "checkpoints: {groups: 256}"), ", in megabytes, to see them here."),
    h("div", { class: "charts" }, charts(told.curves, axis, at, choose)),
  );
  return { title: `Training ${run.title}`, node, again: run.running ? 4000 : null };
}

function nearest(steps, wanted) {
  return steps.reduce((best, step) => (Math.abs(step - wanted) < Math.abs(best - wanted) ? step : best), steps[0]);
}

function charts(curves, axis, at, choose) {
  return CHARTS.map(([title, names]) => {
    const shown = curves.filter((curve) => names.includes(curve.name));
    return shown.length ? chart(title, shown, { ...axis, at, choose }) : null;
  });
}

function slider(steps, at, facts, choose) {
  const place = steps.indexOf(at);
  const input = h("input", {
    type: "range",
    min: 0,
    max: steps.length - 1,
    value: place,
    "aria-label": "Step",
    "aria-valuetext": `step ${at}`,
    data: { key: "slider" },
    on: { input: () => choose(steps[Number(input.value)]) },
  });
  const move = (name, words, by) => h("button", { type: "button", data: { press: name, key: name }, disabled: !(place + by in steps), on: { click: () => choose(steps[place + by]) } }, words);
  const told = [counted(facts.groups, "group"), `reward ${number(facts.reward)}`, `agreement ${percent(facts.agreement)}`, `${percent(facts.flat)} without spread`, facts.unrewarded ? `${whole(facts.unrewarded)} rewards None` : null];
  return h("div", { class: "slider" }, move("previous", "←", -1), input, move("next", "→", 1), h("b", {}, `step ${at}`), h("span", { class: "faint" }, told.filter(Boolean).join(" · ")));
}

function groups(items, state, step) {
  const rows = items.rows.slice(0, 12).map((row) => {
    const to = link("item", { run: state.run, step, id: row.id });
    return h(
      "tr",
      { class: "open", tabindex: "0", data: { step: "", key: `item-${row.id}`, item: row.id }, on: opening(to) },
      h("td", { class: "name" }, h("a", { href: to, tabindex: "-1" }, short(row.question || row.id, 120))),
      h("td", { class: "answer" }, short(row.answer ?? "–", 40)),
      h("td", { class: "answer" }, row.majority === null && row.agreement !== null ? "tie" : short(row.majority ?? "–", 40)),
      h("td", { class: "num" }, percent(row.agreement)),
      h("td", { class: "num" }, number(row.reward)),
      h("td", { class: "num" }, row.flat ? h("span", { class: "problem" }, "none") : number(row.spread)),
      h("td", { class: "num" }, row.unrewarded ? h("span", { class: "problem" }, whole(row.unrewarded)) : "0"),
    );
  });
  const heads = ["Group", "Reference", "Majority", { text: "Agreement", class: "num" }, { text: "Reward", class: "num" }, { text: "Spread", class: "num" }, { text: "None", class: "num" }];
  const all = h("p", {}, h("a", { href: link("items", { run: state.run, step }) }, `All ${whole(items.total)} groups of this step`));
  return [table(`Groups of step ${step}`, heads, rows, { class: "rows" }), items.total > rows.length ? all : null];
}
