// The address of the page: the screen and all of its state, after the #.

/** Read the screen and its state from the address. */
export function here() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  return { screen: path || "runs", state: Object.fromEntries(new URLSearchParams(query ?? "")) };
}

/** The address of a screen, without empty parameters. */
export function link(screen, state = {}) {
  const kept = Object.entries(state).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const query = new URLSearchParams(kept).toString();
  return `#/${screen}${query ? `?${query}` : ""}`;
}

/** Go to a screen; `quietly` adds no entry to the history. */
export function go(screen, state = {}, quietly = false) {
  const address = link(screen, state);
  if (address === location.hash) return;
  if (quietly) {
    history.replaceState(null, "", address);
    window.dispatchEvent(new HashChangeEvent("hashchange"));
  } else {
    location.hash = address;
  }
}

/** The state of a list that is passed on to every item opened from it. */
export function listed(state) {
  const { run, by, filter, q, sort, way, step } = state;
  return { run, by, filter, q, sort, way, step };
}
