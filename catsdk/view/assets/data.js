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
export async function ask(question, given = {}) {
  const local = asked(question, given);
  if (local !== undefined) return local;
  const kept = Object.entries(given).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const response = await fetch(`/api/${question}?${new URLSearchParams(kept)}`, {
    headers: token ? { Authorization: `Bearer ${token}` } : {},
  });
  const told = await response.json();
  if (!response.ok) throw new Error(told.detail ?? `the server answered ${response.status}`);
  return told;
}
