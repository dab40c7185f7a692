// Money: the usage of a run, by stage and by estimator.

import { ask } from "./data.js";
import { h, table } from "./dom.js";
import { counted, dollars, number, seconds, whole } from "./words.js";

export async function showMoney(state) {
  const [run, told] = await Promise.all([ask("run", { run: state.run }), ask("money", { run: state.run })]);
  const node = h(
    "section",
    {},
    h("h1", {}, "Money"),
    h("p", { class: "faint" }, run.title),
    told.estimate ? estimate(told) : null,
    told.usage ? total(told.usage) : h("p", { class: "note part" }, "This kind of run does not record its total usage."),
    told.stages.length ? stages(told) : h("p", { class: "faint" }, "The calls of single items were not recorded."),
    told.points.length ? points(told.points) : null,
  );
  return { title: `Money of ${run.title}`, node };
}

function total(usage) {
  const card = (words, value, note) => h("div", { class: "card" }, h("h2", {}, words), h("p", { class: "big" }, value), h("small", {}, note));
  return h(
    "div",
    { class: "cards" },
    card("Paid for in all", dollars(usage.cost), usage.unreported ? `${whole(usage.unreported)} calls broke off; their cost is unknown` : "every call once, including retries and failures"),
    card("Requests", whole(usage.requests), usage.batched ? `${whole(usage.batched)} through a batch API` : "none through a batch API"),
    card("Tokens in", whole(usage.input_tokens), `${whole(usage.cached_tokens)} of them cached by the service`),
    card("Tokens out", whole(usage.output_tokens), `${whole(usage.reasoning_tokens)} of them thinking`),
  );
}

/** The estimated usage of a batch, and its usage since. */
function estimate(told) {
  const { rows, probes, paid, tokens, cost } = told.estimate;
  const range = (value, words) => (value === null ? "unknown" : `${words(value.expected)} (${words(value.low)} to ${words(value.high)})`);
  const since = (name) => (told.usage === null || told.usage[name] === null || paid[name] === null ? null : told.usage[name] - paid[name]);
  const used = told.usage === null ? null : since("input_tokens") + since("output_tokens");
  const line = (name, expected, actual) => h("tr", {}, h("td", {}, name), h("td", { class: "num" }, expected), h("td", { class: "num" }, actual));
  const all = [line("Tokens", range(tokens, (value) => whole(Math.round(value))), whole(used)), line("Cost", range(cost, dollars), dollars(since("cost")))];
  return [
    h("h2", { class: "over" }, "Estimate against actual", h("small", { class: "faint" }, ` for ${counted(rows, "row")} to come, made by processing ${counted(probes, "row")}`)),
    table("Estimate against actual", ["", { text: "Estimated (range)", class: "num" }, { text: "Used since", class: "num" }], all),
  ];
}

function stages(told) {
  const rows = told.stages.map((row) =>
    h(
      "tr",
      {},
      h("td", {}, row.stage),
      h("td", {}, row.model),
      h("td", { class: "num" }, whole(row.calls)),
      h("td", { class: "num" }, row.failed ? h("span", { class: "problem" }, whole(row.failed)) : "0"),
      h("td", { class: "num" }, whole(row.cancelled)),
      h("td", { class: "num" }, whole(row.input)),
      h("td", { class: "num" }, whole(row.output)),
      h("td", { class: "num" }, whole(row.cached)),
      h("td", { class: "num" }, whole(row.batched)),
      h("td", { class: "num" }, dollars(row.cost)),
      h("td", { class: "num" }, seconds(row.calls ? row.seconds / row.calls : null)),
    ),
  );
  const num = (text) => ({ text, class: "num" });
  const part = told.items < told.total_items ? `the first ${counted(told.items, "item")} of ${whole(told.total_items)}` : counted(told.items, "item");
  return [
    h("h2", { class: "over" }, "By stage", h("small", { class: "faint" }, ` of ${part}`)),
    table("By stage", ["Stage", "Model", num("Calls"), num("Failed or retried"), num("Cancelled copies"), num("Tokens in"), num("out"), num("cached"), num("Batched"), num("Cost"), num("Mean time")], rows),
    h("p", { class: "faint" }, told.kept ? `${counted(told.kept, "rollout")} came from the cache and cost nothing. ` : "No rollout came from the cache. ", "Copies are sent of calls that straggle (hedges); whichever answers first is used, the others are cancelled, and paid for as far as the service says so."),
  ];
}

function points(all) {
  const num = (text) => ({ text, class: "num" });
  const rows = all.map((point) =>
    h(
      "tr",
      {},
      h("td", {}, point.estimator),
      h("td", { class: "num" }, whole(point.size)),
      h("td", { class: "num" }, point.score ? number(point.score.mean, 3) : "–"),
      h("td", { class: "num" }, number(point.requests, 1)),
      h("td", { class: "num" }, point.tokens ? whole(Math.round(point.tokens.mean)) : "–"),
      h("td", { class: "num" }, dollars(point.cost)),
      h("td", {}, point.on_frontier ? h("span", { class: "badge good" }, "no cheaper one is as good") : ""),
    ),
  );
  return [
    h("h2", { class: "over" }, "By estimator", h("small", { class: "faint" }, " means an item, rollouts included")),
    table("By estimator", ["Estimator", num("G"), num("Score"), num("Requests"), num("Tokens"), num("Cost"), ""], rows),
  ];
}
