// The frame of every screen: the bar, the address, the keys, light and dark.

import { here, link } from "./address.js";
import { ask, takeToken } from "./data.js";
import { fill, h, tell } from "./dom.js";
import { leftOut } from "./exported.js";
import { showCompare } from "./compare.js";
import { showGroup } from "./group.js";
import { showItems } from "./items.js";
import { pressed, showKeys } from "./keys.js";
import { showMoney } from "./money.js";
import { showRubric } from "./rubric.js";
import { showRuns } from "./runs.js";
import { showTraining } from "./training.js";

const SCREENS = {
  runs: showRuns,
  items: showItems,
  item: showGroup,
  rubric: showRubric,
  compare: showCompare,
  training: showTraining,
  money: showMoney,
};
const TABS = [
  ["training", "Training", (run) => run.kind === "train"],
  ["items", "Items", () => true],
  ["compare", "Compare", (run) => run.contenders.length > 0],
  ["money", "Money", () => true],
];

let shown = 0;
const known = new Map();

async function show() {
  const { screen, state } = here();
  const address = location.hash;
  const turn = ++shown;
  const main = document.getElementById("main");
  fill(document.getElementById("bar"), bar(screen, state));
  learn(state.run ?? state.left, turn);
  main.setAttribute("aria-busy", "true");
  try {
    const content = await (SCREENS[screen] ?? showRuns)(state);
    if (turn !== shown) return;
    const kept = focused();
    fill(main, leftOut ? h("p", { class: "note" }, leftOut) : null, content.node);
    document.title = `${content.title} · catsdk view`;
    tell(content.title);
    refocus(kept);
    if (content.then) content.then();
    if (content.again) setTimeout(() => turn === shown && !document.hidden && show(), content.again);
  } catch (error) {
    if (turn !== shown) return;
    fill(main, h("section", { class: "empty" }, h("h1", {}, "Nothing to show"), h("p", {}, error.message), h("p", {}, h("a", { href: link("runs") }, "All runs"))));
  } finally {
    if (turn === shown) {
      main.dataset.shows = address;
      main.removeAttribute("aria-busy");
    }
  }
}

/** Find out which screens a run has, then redraw the bar. */
async function learn(run, turn) {
  if (!run || known.get(run)?.items) return;
  try {
    known.set(run, await ask("run", { run }));
  } catch {
    return;
  }
  const { screen, state } = here();
  if (turn === shown) fill(document.getElementById("bar"), bar(screen, state));
}

function bar(screen, state) {
  const run = state.run ?? state.left;
  const facts = known.get(run);
  const tabs = facts
    ? h(
        "nav",
        { "aria-label": "Screens of the run" },
        TABS.filter(([, , has]) => has(facts)).map(([name, words]) => {
          const current = screen === name || (name === "items" && (screen === "item" || screen === "rubric"));
          const to = name === "compare" ? link(name, { left: run, right: run }) : link(name, { run, by: state.by });
          return h("a", { href: to, "aria-current": current ? "page" : null }, words);
        }),
      )
    : null;
  return [
    h("a", { class: "mark", href: link("runs") }, "catsdk", h("span", {}, " view")),
    run ? h("span", { class: "crumb", title: run }, run) : null,
    tabs,
    h("span", { class: "gap" }),
    h("button", { type: "button", class: "quiet", on: { click: showKeys }, "aria-haspopup": "dialog" }, "Keys ", h("kbd", {}, "?")),
    h("button", { type: "button", class: "quiet", id: "theme", on: { click: turnTheme } }, themeWords()),
  ].filter(Boolean);
}

// --- light and dark -----------------------------------------------------------------------

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function themeWords() {
  return isDark() ? "Light" : "Dark";
}

export function turnTheme() {
  const theme = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  remember("catsdk-theme", theme);
  document.getElementById("theme").textContent = themeWords();
}

function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // A page opened from a file may have no storage.
  }
}

function recallTheme() {
  try {
    const theme = localStorage.getItem("catsdk-theme");
    if (theme) document.documentElement.dataset.theme = theme;
  } catch {
    // As above.
  }
}

// --- keep the focus when a screen is redrawn ------------------------------

function focused() {
  const active = document.activeElement;
  if (!active?.dataset?.key) return null;
  return { key: active.dataset.key, start: active.selectionStart, end: active.selectionEnd };
}

function refocus(kept) {
  if (!kept) return;
  const again = document.querySelector(`[data-key="${CSS.escape(kept.key)}"]`);
  if (!again) return;
  again.focus({ preventScroll: true });
  if (kept.start !== undefined && again.setSelectionRange) again.setSelectionRange(kept.start, kept.end);
}

recallTheme();
takeToken();
window.addEventListener("hashchange", () => {
  if (here().screen === "main") return;
  show();
});
window.addEventListener("keydown", (event) => pressed(event, turnTheme));
show();
