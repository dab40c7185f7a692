// Group: one prompt, its rollouts by answer, and the reference made from them.

import { go, link, listed } from "./address.js";
import { ask } from "./data.js";
import { h, table } from "./dom.js";
import { label } from "./labels.js";
import { counted, dollars, graded, number, seconds, short, tone, whole } from "./words.js";

const CLAMPED = 700;

export async function showGroup(state) {
  const told = await ask("item", state);
  const { entry } = told;
  const node = h(
    "section",
    { class: "group" },
    head(told, state),
    h("h1", { class: "question" }, short(entry.question || entry.id, 400)),
    conversation(entry),
    entry.failure ? h("p", { class: "note bad" }, h("strong", {}, entry.failure.kind), ` ${entry.failure.message}`) : null,
    verdicts(told),
    h("div", { class: "beside" }, h("div", {}, rollouts(told, state)), h("aside", { "aria-label": "Reference" }, reference(told, state))),
    rewards(told),
    calls(entry),
  );
  return { title: short(entry.question || entry.id, 60), node };
}

// --- position in the list -------------------------------------------------------------------------

/** The line above an item: its position in the list, and links to its neighbours. */
export function head(told, state, screen = "item") {
  const { list } = told;
  const to = (id) => link(screen, { ...state, id, part: "", cell: "" });
  const way = (id, name, words) => (id ? h("a", { href: to(id), data: { press: name } }, words) : h("span", { class: "off" }, words));
  const place = list.of ? `${whole(list.at + 1)} of ${whole(list.of)}` : "not in the list";
  const choices = Object.values(told.entry.made).map((made) => `${made.estimator}/${made.size}`);
  return h(
    "nav",
    { class: "place", "aria-label": "Place in the list" },
    h("a", { href: link("items", { ...listed(state), offset: state.offset }) }, "↑ List"),
    way(list.before, "previous", "← Previous"),
    h("span", { class: "faint" }, place),
    way(list.after, "next", "Next →"),
    h("span", { class: "gap" }),
    told.matrices.length ? h("a", { href: link(screen === "item" ? "rubric" : "item", state) }, screen === "item" ? "Rubric" : "Group") : null,
    choices.length > 1 && screen === "item" ? chooser(choices, told.contender, state) : null,
    told.entry.id === told.entry.question ? null : h("small", { class: "faint" }, short(told.entry.id, 60)),
  );
}

function chooser(choices, chosen, state) {
  const select = h(
    "select",
    { data: { key: "by" }, on: { change: () => go("item", { ...state, by: select.value, part: "" }) } },
    choices.map((each) => h("option", { value: each, selected: each === chosen }, each.replace("/", ", G = "))),
  );
  return h("label", {}, "Reference by ", select);
}

function conversation(entry) {
  const messages = entry.prompt;
  if (!messages.length) return h("p", { class: "faint" }, "The prompt was not recorded.");
  const long = entry.question.length > 400;
  if (messages.length === 1 && !long) return null;
  return h(
    "details",
    { class: "conversation" },
    h("summary", {}, messages.length === 1 ? "The whole prompt" : `The conversation, ${counted(messages.length, "message")}`),
    messages.map((message) => h("div", { class: "message" }, h("b", {}, message.role), h("p", {}, content(message)))),
  );
}

function content(message) {
  if (typeof message.content === "string") return message.content;
  const parts = message.content ?? [];
  return parts.map((part) => part.text ?? `(${part.type})`).join("\n");
}

// --- gold, majority, reference ------------------------------------------------------------

function verdicts(told) {
  const { entry, made, clusters } = told;
  const cards = [];
  const golden = entry.gold;
  if (golden.length) cards.push(card("Known answer", golden.join("  or  "), null, golden.length > 1 ? "any of these is right" : "from the data"));
  if (clusters.cast) {
    const words = `${clusters.top} of ${clusters.cast} rollouts with an answer`;
    const right = clusters.clusters.find((each) => each.is_majority)?.right;
    cards.push(clusters.tied ? card("Majority", "tie", null, words, "part") : card("Majority", clusters.majority, right, words));
  }
  if (made) {
    const answer = made.reference?.answer;
    const right = made.score === null ? null : made.score >= 1;
    const score = made.score !== null && made.score > 0 && made.score < 1 ? `score ${number(made.score)} · ` : "";
    const by = `${score}${made.estimator}${made.size ? `, G = ${made.size}` : ""}${made.departs ? " · disagrees with the majority" : ""}`;
    const words = made.reference ? (answer ?? "no final answer") : "none";
    cards.push(card("Reference", words, right, made.failure ? `${made.failure.kind}: ${short(made.failure.message, 160)}` : by, made.failure ? "bad" : ""));
  }
  return cards.length ? h("div", { class: "cards" }, cards) : null;
}

function card(title, answer, right, words, style = "") {
  const grade = graded(right);
  return h(
    "div",
    { class: `card ${grade?.class ?? style}`, data: { card: title } },
    h("h2", {}, title, grade ? h("span", { class: `badge ${grade.class}` }, `${grade.sign} ${grade.word}`) : null),
    h("p", { class: "big" }, short(answer ?? "–", 120)),
    h("small", {}, words),
  );
}

// --- the rollouts by answer ---------------------------------------------------------------

function rollouts(told, state) {
  const { entry, clusters } = told;
  const by = new Map((entry.group?.rollouts ?? []).map((rollout) => [rollout.index, rollout]));
  if (!by.size && !Object.keys(clusters.failed).length) return h("p", { class: "empty" }, "The rollouts were not recorded.");
  const scores = new Map(entry.scores.map((score) => [score.index, score]));
  const one = (index) => rolloutCard(by.get(index), told, scores.get(index), state);
  const groups = clusters.clusters.map((cluster) => {
    const grade = graded(cluster.right);
    const marks = [
      cluster.is_reference === null ? null : cluster.is_reference ? h("span", { class: "badge good" }, "the reference's answer") : h("span", { class: "badge bad" }, "against the reference"),
      cluster.is_majority ? h("span", { class: "badge none" }, "majority") : null,
      grade ? h("span", { class: `badge ${grade.class}` }, `${grade.sign} ${grade.word}`) : null,
    ];
    return section(short(cluster.answer, 120), counted(cluster.rollouts.length, "rollout"), marks, cluster.rollouts.map(one), grade?.class ?? "");
  });
  if (clusters.unanswered.length) groups.push(section("No final answer found", counted(clusters.unanswered.length, "rollout"), [], clusters.unanswered.map(one), "none"));
  const failed = Object.entries(clusters.failed);
  if (failed.length) groups.push(section("Failed", counted(failed.length, "rollout"), [], failed.map(([index, cause]) => h("p", { class: "note bad" }, `${index}: ${cause}`)), "bad"));
  return [h("h2", { class: "over" }, "Rollouts by answer"), groups];
}

function section(answer, count, marks, children, style) {
  return h("section", { class: `cluster ${style}` }, h("h3", {}, h("span", { class: "big" }, answer), h("span", { class: "faint" }, count), marks), children);
}

function rolloutCard(rollout, told, score, state) {
  const { completion } = rollout;
  const pieces = told.support.rollouts[rollout.index] ?? [{ text: completion.text }];
  const text = h("p", { class: "text" }, pieces.map((piece) => marked(piece, told, state)));
  const long = completion.text.length > CLAMPED;
  if (long) text.classList.add("clamped");
  const more = long
    ? h("button", { type: "button", class: "quiet", "aria-expanded": "false", on: { click: (event) => unclamp(event.currentTarget, text) } }, "Show all of it")
    : null;
  const against = new Set(pieces.filter((piece) => piece.kind === "contradicts").map((piece) => piece.about)).size;
  const advantage = told.entry.advantages[rollout.index];
  return h(
    "article",
    { class: "rollout", tabindex: "0", data: { step: "", rollout: rollout.index }, "aria-label": `Rollout ${rollout.index}` },
    h(
      "p",
      { class: "facts" },
      h("b", {}, `#${rollout.index}`),
      rollout.answer_rule ? h("span", { title: "the rule that found the final answer" }, `found by ${rollout.answer_rule}`) : null,
      score ? h("span", { class: `badge ${tone(score.value)}`, title: reasonOf(score) }, `${isGrade(told.entry) ? "grade" : "reward"} ${score.value === null ? "None" : number(score.value)}`) : null,
      advantage === undefined ? null : h("span", {}, `advantage ${number(advantage)}`),
      against ? h("span", { class: "badge bad" }, counted(against, "contradiction")) : null,
      completion.finish_reason === "stop" ? null : h("span", { class: "badge part" }, completion.finish_reason === "length" ? "cut at the token limit" : completion.finish_reason),
      completion.usage.output_tokens ? h("span", {}, `${whole(completion.usage.output_tokens)} tokens`) : null,
      completion.model ? h("span", {}, short(completion.model, 40)) : null,
    ),
    completion.reasoning ? h("details", {}, h("summary", {}, "Thinking"), h("p", { class: "text" }, completion.reasoning)) : null,
    text,
    more,
  );
}

function unclamp(button, text) {
  const open = !text.classList.toggle("clamped");
  button.setAttribute("aria-expanded", String(open));
  button.textContent = open ? "Show less" : "Show all of it";
}

function marked(piece, told, state) {
  if (!piece.kind) return piece.text;
  const chosen = state.part !== undefined && state.part !== "" && Number(state.part) === piece.about;
  const words = { supports: "agrees with the reference", contradicts: "contradicts the reference" }[piece.kind];
  return h("mark", { class: `${piece.kind}${chosen ? " chosen" : ""}`, title: words, data: { about: piece.about } }, piece.text);
}

// --- the reference, part by part ----------------------------------------------------------

function reference(told, state) {
  const { made, support } = told;
  if (!made) return [h("h2", { class: "over" }, "Reference"), h("p", { class: "empty" }, "No reference was made, or it was not recorded.")];
  if (!made.reference) return [h("h2", { class: "over" }, "Reference"), h("p", { class: "note bad" }, made.failure ? `${made.failure.kind}: ${made.failure.message}` : "There is none.")];
  const parts = support.reference.map((piece) => (piece.kind ? part(piece, told, state) : h("span", {}, piece.text)));
  return [
    h("h2", { class: "over" }, "Reference", h("small", { class: "faint" }, " who says the same, part by part")),
    h("div", { class: "reference" }, parts),
    h("p", { class: "legend faint" }, h("mark", { class: "supports" }, "same"), h("mark", { class: "contradicts" }, "otherwise"), " found by the words alone: a hint where to look, not a verdict. Choose a part to see it in the rollouts."),
    label(told, { contender: told.contender, criterion: "" }, "Is this reference right?", ["right", "wrong"]),
    made.reference.rationale ? h("details", {}, h("summary", {}, "Rationale of the anchor"), h("p", { class: "text" }, made.reference.rationale)) : null,
    provenance(made.reference.provenance),
  ];
}

function part(piece, told, state) {
  const { supports, contradicts } = told.support.parts[piece.about];
  const chosen = Number(state.part ?? NaN) === piece.about;
  const choose = () => go("item", { ...state, part: chosen ? "" : piece.about }, true);
  const words = `${counted(supports.length, "rollout")} the same, ${whole(contradicts.length)} otherwise`;
  return h(
    "button",
    { type: "button", class: "part", "aria-pressed": String(chosen), title: words, data: { key: `part-${piece.about}`, part: piece.about }, on: { click: choose } },
    h("span", { class: "said" }, piece.text),
    h(
      "span",
      { class: "who", "aria-label": words },
      supports.map((index) => h("i", { class: "supports" }, index)),
      contradicts.map((index) => h("i", { class: "contradicts" }, index)),
      supports.length + contradicts.length ? null : h("i", { class: "nobody" }, "no rollout"),
    ),
  );
}

function provenance(made) {
  const facts = [
    ["made by", made.method],
    ["model", made.model],
    ["prompt", made.prompt && `${made.prompt} ${made.prompt_version ?? ""}`],
    ...Object.entries(made.settings).map(([name, value]) => [name, short(JSON.stringify(value), 200)]),
  ].filter(([, value]) => value);
  return h("details", {}, h("summary", {}, "How it was made"), h("dl", { class: "pairs" }, facts.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
}

// --- rewards and calls --------------------------------------------------------------------

export function reasonOf(score) {
  const cause = score.failure ? `${score.failure.kind}: ${score.failure.message}` : "";
  return [...score.reasons, cause].filter(Boolean).join("; ");
}

/** Whether the scores are grades by a known answer; otherwise they are a method's rewards. */
function isGrade(entry) {
  return Object.keys(entry.grades).length > 0 && entry.scores.every((score) => !Object.keys(score.parts).length);
}

function rewards(told) {
  const { scores } = told.entry;
  if (!scores.length) return null;
  const parts = [...new Set(scores.flatMap((score) => Object.keys(score.parts)))];
  const rows = scores.map((score) =>
    h(
      "tr",
      { data: { reward: score.index } },
      h("td", {}, `#${score.index}`),
      h("td", { class: "num" }, h("span", { class: `badge ${tone(score.value)}` }, score.value === null ? "None" : number(score.value))),
      parts.map((name) => h("td", { class: "num" }, score.parts[name] ? (score.parts[name].value === null ? "None" : number(score.parts[name].value)) : "–")),
      h("td", { class: "why" }, reasonOf(score) || "no reason was recorded", score.verdicts.length ? h("small", {}, ` ${counted(score.verdicts.length, "verdict")}`) : null),
    ),
  );
  const name = isGrade(told.entry) ? "Grade" : "Reward";
  const heads = ["Rollout", { text: name, class: "num" }, ...parts.map((each) => ({ text: each, class: "num" })), "Why"];
  return [h("h2", { class: "over" }, `${name}s, with their reasons`), table(`${name}s`, heads, rows)];
}

function calls(entry) {
  const all = entry.calls;
  if (!all.length) return null;
  const total = (name) => all.reduce((sum, call) => sum + (call.usage[name] ?? 0), 0);
  const priced = all.every((call) => call.usage.cost !== null);
  const rows = all.map((call) =>
    h(
      "tr",
      {},
      h("td", {}, call.stage),
      h("td", {}, short(call.model, 50)),
      h("td", { class: "num" }, whole(call.usage.input_tokens), call.usage.cached_tokens ? h("small", {}, ` ${whole(call.usage.cached_tokens)} cached`) : null),
      h("td", { class: "num" }, whole(call.usage.output_tokens)),
      h("td", { class: "num" }, dollars(call.usage.cost)),
      h("td", { class: "num" }, seconds(call.latency)),
      h("td", {}, call.failure ? h("span", { class: "problem" }, `${call.failure.kind}: ${short(call.failure.message, 160)}`) : call.usage.batched ? "batched" : "ok"),
    ),
  );
  const heads = ["Stage", "Model", { text: "Tokens in", class: "num" }, { text: "out", class: "num" }, { text: "Price", class: "num" }, { text: "Time", class: "num" }, "Outcome"];
  const sum = `${counted(all.length, "call")} · ${whole(total("input_tokens") + total("output_tokens"))} tokens · ${priced ? dollars(total("cost")) : "price unknown"}`;
  return h("details", { class: "calls", open: all.length <= 12 }, h("summary", {}, h("h2", {}, "Calls"), h("span", { class: "faint" }, ` ${sum}`)), table("Calls", heads, rows));
}

