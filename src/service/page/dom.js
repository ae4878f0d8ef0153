// Elements, and texts that follow the language of the page.
//
// A child or an attribute given as a function is live: it is asked again whenever the language
// changes. `forget` drops the live parts of a view that was left.

const live = new Map(); // view name -> updaters
let current = "frame";

/** Makes `<tag>` with attributes, `on…` listeners and children; null and false are left out. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else follow(value, (now) => set(node, name, now));
  }
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    if (typeof child === "function") {
      const text = document.createTextNode("");
      follow(child, (now) => { text.data = now; });
      node.append(text);
    } else node.append(child);
  }
  return node;
}

/** Runs `apply` with `value` now, and again after each change of language if it is a function. */
export function follow(value, apply) {
  if (typeof value !== "function") return apply(value);
  const update = () => apply(value());
  if (!live.has(current)) live.set(current, new Set());
  live.get(current).add(update);
  update();
}

/** Asks every live part again. */
export function refresh() {
  for (const updates of live.values()) for (const update of updates) update();
}

/** Writes only what changed, so that nothing is read out or laid out twice. */
export function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** What is made from now on belongs to view `name`; the view before it is dropped. */
export function enter(name) {
  if (current !== "frame") live.delete(current);
  current = name;
}

function set(node, name, value) {
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else if (name in IS_PROPERTY) node[name] = value;
  else node.setAttribute(name, value === true ? "" : value);
}

const IS_PROPERTY = { value: 1, checked: 1, selected: 1, disabled: 1, hidden: 1 };
