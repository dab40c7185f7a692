// Make elements from texts; neither this module nor the rest of the viewer ever parses HTML.

/** An element; `class`, `on` (listeners), `data` and any attribute; children are texts or nodes. */
export function h(tag, props = {}, ...children) {
  return filled(document.createElement(tag), props, children);
}

/** An element of SVG. */
export function svg(tag, props = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), props, children);
}

function filled(element, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === "data") {
      for (const [key, each] of Object.entries(value)) element.dataset[key] = each;
    } else if (name === "style") {
      for (const [key, each] of Object.entries(value)) element.style.setProperty(key, each);
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

/** Replace the content of an element. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((each) => each !== null && each !== undefined && each !== false));
}

/** A table with a head; `heads` are texts or {text, class, sort}; `rows` are elements. */
export function table(caption, heads, rows, props = {}) {
  const cells = heads.map((head) =>
    typeof head === "string"
      ? h("th", { scope: "col" }, head)
      : h("th", { scope: "col", class: head.class, "aria-sort": head.sorted }, head.node ?? head.text),
  );
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", props, h("caption", { class: "unseen" }, caption), h("thead", {}, h("tr", {}, cells)), h("tbody", {}, rows)),
  );
}

/** Announce something to users of screen readers. */
export function tell(text) {
  const place = document.getElementById("told");
  if (place) place.textContent = text;
}
