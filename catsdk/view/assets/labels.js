// Labels: a reader's judgments of references and verdicts, saved in a file beside the run.

import { send } from "./data.js";
import { h, tell } from "./dom.js";
import { exported } from "./exported.js";

/** Ask a yes-or-no question; `about` says what it is about, `says` has the words for yes and no. */
export function label(told, about, question, says) {
  const given = told.labels.find((each) => Object.entries(about).every(([name, value]) => each[name] === value));
  if (exported) return given ? h("p", { class: "said-by" }, h("b", {}, "Labelled: "), given.says ? says[0] : says[1], given.note ? ` (${given.note})` : "") : null;
  return widget(told, about, question, says, given);
}

function widget(told, about, question, says, given) {
  let chosen = given?.says ?? null;
  const trouble = h("span", { class: "problem", role: "alert" });
  const note = h("input", { type: "text", class: "note", maxlength: 1000, placeholder: "Why (optional)", "aria-label": `Why: ${question}`, value: given?.note ?? "", data: { key: `note-${question}` }, on: { change: () => chosen !== null && keep() } });
  const buttons = [true, false].map((value, at) =>
    h("button", { type: "button", class: "chip", data: { label: value ? "yes" : "no" }, on: { click: () => choose(value) } }, says[at]),
  );
  const show = () => buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(chosen === (at === 0))));
  const choose = (value) => {
    chosen = chosen === value ? null : value;
    show();
    keep();
  };
  const keep = async () => {
    trouble.textContent = "";
    try {
      await send("label", { run: told.run, item: told.entry.id, ...about, says: chosen, note: note.value });
      tell(chosen === null ? "the label was withdrawn" : "the label was saved");
    } catch (error) {
      trouble.textContent = error.message;
    }
  };
  show();
  return h("div", { class: "label", role: "group", "aria-label": question }, h("span", { class: "faint" }, question), buttons, note, trouble);
}
