// Keyboard shortcuts: move between the elements marked as steps, and list the keys in a dialog.

import { go, here, link, listed } from "./address.js";
import { h } from "./dom.js";

const KEYS = [
  ["j / k", "next and previous row, rollout or criterion"],
  ["Enter", "open it"],
  ["n / p", "next and previous page, item or step"],
  ["/", "search"],
  ["u", "up: from an item to its list, from a list to the runs"],
  ["r", "from an item to its rubric and back"],
  ["t", "light or dark"],
  ["?", "these keys"],
];

export function showKeys() {
  const dialog = h(
    "dialog",
    { class: "keys", "aria-label": "Keys" },
    h("h2", {}, "Keys"),
    h("dl", {}, KEYS.map(([key, words]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, words)])),
    h("form", { method: "dialog" }, h("button", {}, "Close")),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** Handle a key; keys typed into a field are ignored. */
export function pressed(event, turnTheme) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest?.("input, select, textarea, dialog")) {
    if (event.key === "Escape" && event.target.matches("input")) event.target.blur();
    return;
  }
  const act = {
    j: () => step(1),
    k: () => step(-1),
    n: () => press("next"),
    p: () => press("previous"),
    "/": () => document.querySelector("input[type=search]")?.focus(),
    u: up,
    r: turnRubric,
    t: turnTheme,
    "?": showKeys,
  }[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
}

function step(by) {
  const steps = [...document.querySelectorAll("[data-step]")];
  if (!steps.length) return;
  const at = steps.indexOf(document.activeElement.closest?.("[data-step]"));
  const next = steps[at < 0 ? (by > 0 ? 0 : steps.length - 1) : Math.min(steps.length - 1, Math.max(0, at + by))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

function press(name) {
  document.querySelector(`[data-press="${name}"]:not([disabled])`)?.click();
}

function up() {
  const { screen, state } = here();
  if (screen === "rubric") go("item", state);
  else if (screen === "item") go("items", { ...listed(state), offset: state.offset });
  else location.hash = link("runs");
}

function turnRubric() {
  const { screen, state } = here();
  if (screen === "item") go("rubric", state);
  else if (screen === "rubric") go("item", state);
}

