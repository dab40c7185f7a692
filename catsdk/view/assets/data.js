// Asks for data: from the server that sent this page, or from the page itself where it was exported.

import { asked } from "./exported.js";

let token = "";

/** Take the token out of the address, so that it stays in no history and no log. */
export function takeToken() {
  const given = /^#token=([^&]+)/.exec(location.hash);
  if (given) {
    sessionStorage.setItem("catsdk-token", decodeURIComponent(given[1]));
    history.replaceState(null, "", location.pathname);
  }
  token = sessionStorage.getItem("catsdk-token") ?? "";
}

/** The answer to a question; an error with a sentence for people where there is none. */
export function ask(question, given = {}) {
  const local = asked(question, given);
  if (local !== undefined) return Promise.resolve(local);
  const kept = Object.entries(given).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const path = `/api/${question}?${new URLSearchParams(kept)}`;
  // Two parts of a screen that ask the same at once are given one answer.
  if (!waiting.has(path)) waiting.set(path, read(path).finally(() => waiting.delete(path)));
  return waiting.get(path);
}

const waiting = new Map();

async function read(path) {
  for (;;) {
    const response = await fetch(path, { headers: authorization() });
    const told = await response.json();
    if (response.ok) return told;
    // The runs are not all known yet: soon they are.
    if (response.status !== 503) throw new Error(told.detail ?? `the server answered ${response.status}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Have the server keep something. */
export async function send(what, value) {
  const headers = { ...authorization(), "Content-Type": "application/json" };
  const response = await fetch(`/api/${what}`, { method: "POST", headers, body: JSON.stringify(value) });
  const told = await response.json();
  if (!response.ok) throw new Error(told.detail ?? `the server answered ${response.status}`);
}

function authorization() {
  return token ? { Authorization: `Bearer ${token}` } : {};
}
