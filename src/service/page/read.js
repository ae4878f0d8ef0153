// The reading page of a lesson, and the tabs between watching and reading.

import { el, follow } from "./dom.js";
import { now as language, t } from "./i18n.js";

/** The page in the reader's language if there is one, else in the first of the lesson. */
export function reading(texts) {
  const node = el("article", { class: "reading" });
  let shown;
  const load = async (lang) => {
    shown = lang;
    node.lang = lang;
    node.setAttribute("aria-busy", "true");
    node.replaceChildren(el("p", { class: "loading", role: "status" }, () => t("loading")));
    let parts;
    try {
      parts = await page(texts[lang]);
    } catch {
      parts = [el("p", { class: "notice", role: "alert" }, () => t("unread"),
        el("button", { type: "button", onclick: () => load(lang) }, () => t("retry")))];
    }
    if (shown !== lang) return;
    node.replaceChildren(...parts);
    node.removeAttribute("aria-busy");
  };
  follow(() => (language() in texts ? language() : Object.keys(texts)[0]),
    (lang) => { if (lang !== shown) load(lang); });
  return node;
}

/** Two or more views of one thing, one of them shown (WAI-ARIA tabs, moved by arrow keys). */
export function tabs(label, views) {
  const buttons = views.map(({ name, title }, at) => el("button", { type: "button", role: "tab",
    id: `tab-${name}`, "aria-controls": `panel-${name}`, onclick: () => choose(at),
    onkeydown: (event) => {
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: views.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      choose((to + views.length) % views.length).focus();
    } }, title));
  const panels = views.map(({ name, node }) => el("div", { role: "tabpanel", id: `panel-${name}`,
    "aria-labelledby": `tab-${name}` }, node));
  const choose = (at) => {
    buttons.forEach((button, n) => {
      button.setAttribute("aria-selected", String(n === at));
      button.tabIndex = n === at ? 0 : -1;
    });
    panels.forEach((panel, n) => { panel.hidden = n !== at; });
    return buttons[at];
  };
  choose(0);
  return el("div", { class: "tabs" }, el("div", { role: "tablist", "aria-label": label }, buttons), panels);
}

/** What stands in the page at `url`. The server wrote every tag of it; it has no script. */
async function page(url) {
  const reply = await fetch(url, { headers: { accept: "text/html" } });
  if (!reply.ok) throw new Error(`status ${reply.status}`);
  const text = await reply.text();
  // Without its head: the style in it is for those who open the page by itself.
  const body = text.slice(text.indexOf("<main>"));
  const main = new DOMParser().parseFromString(body, "text/html").querySelector("main");
  // Addresses count from where the text came from, which may be another host.
  for (const [tag, name] of [["a", "href"], ["img", "src"]]) {
    for (const one of main.querySelectorAll(`${tag}[${name}]`)) {
      one.setAttribute(name, new URL(one.getAttribute(name), reply.url).href);
    }
  }
  // The lesson's own heading stands above already.
  main.querySelector("h1")?.remove();
  for (const wide of main.querySelectorAll("pre, table")) wide.tabIndex = 0;
  return [...main.childNodes];
}
