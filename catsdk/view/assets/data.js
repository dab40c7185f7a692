// Get data from the server or, in an exported page, from the page itself.

import { asked } from "./exported.js";

let token = "";

/** Remove the token from the address, so that it ends up in no history or log. */
export function takeToken() {
  const given = /^#token=([^&]+)/.exec(location.hash);
  if (given) {
    sessionStorage.setItem("catsdk-token", decodeURIComponent(given[1]));
    history.replaceState(null, "", location.pathname);
  }
  token = sessionStorage.getItem("catsdk-token") ?? "";
}

/** The answer to a request; on failure, an error with a readable message. */
export function ask(question, given = {}) {
  const local = asked(question, given);
  if (local !== undefined) return Promise.resolve(local);
  const kept = Object.entries(given).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const path = `/api/${question}?${new URLSearchParams(kept)}`;
  // Parts of a screen that make the same request at the same time share the answer.
  if (!waiting.has(path)) waiting.set(path, read(path).finally(() => waiting.delete(path)));
  return waiting.get(path);
}

const waiting = new Map();

async function read(path) {
  for (;;) {
    const response = await fetch(path, { headers: authorization() });
    const told = await response.json();
    if (response.ok) return told;
    // The first scan for runs has not ended: try again soon.
    if (response.status !== 503) throw new Error(told.detail ?? `the server answered ${response.status}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Send something to the server to save. */
export async function send(what, value) {
  const headers = { ...authorization(), "Content-Type": "application/json" };
  const response = await fetch(`/api/${what}`, { method: "POST", headers, body: JSON.stringify(value) });
  const told = await response.json();
  if (!response.ok) throw new Error(told.detail ?? `the server answered ${response.status}`);
}

function authorization() {
  return token ? { Authorization: `Bearer ${token}` } : {};
}
