// Makes elements. Strings become text nodes: whatever a webhook holds, none of it is read as HTML.

export const at = (id) => document.getElementById(id);

const isThere = (it) => it !== null && it !== undefined && it !== false;

/** Such as `make("a", { href: "#/", class: "quiet" }, "Back")`. What is null, undefined or false is left out. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes).filter(([, value]) => isThere(value))) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  return fill(element, ...children);
}

/** Replaces what is in an element. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter(isThere));
  return element;
}

/** Fills an element with what `shown` makes of a value, if that is another than the last time: what is open stays open. */
export function refiller(element, shown) {
  let last = "";
  return (value) => {
    const text = JSON.stringify(value);
    if (text !== last) fill(element, shown(value));
    last = text;
  };
}

export const link = (text, href, more = {}) => make("a", { href, ...more }, text);

/** A button; while its work goes on it does nothing more, and if that fails, the reason is shown beside it. */
export function action(text, work, more = {}) {
  const trouble = make("span", { class: "bad", role: "alert" });
  let isBusy = false;
  const onclick = async () => {
    if (isBusy) return;
    isBusy = true;
    fill(trouble);
    await work().catch((error) => fill(trouble, error.message));
    isBusy = false;
  };
  return [make("button", { type: "button", onclick, ...more }, text), trouble];
}

/** What opens at a click. */
export const fold = (title, ...content) => make("details", {}, make("summary", {}, title), ...content);

/** Text as it is, which the keyboard can scroll. */
export const pre = (label, ...content) =>
  make("pre", { tabindex: 0, role: "group", "aria-label": label }, ...content);

export const json = (label, value) => pre(label, JSON.stringify(value, null, 2));

/** A table that a narrow window scrolls by itself. `rows` are lists of cells. */
export function table(label, heads, rows) {
  const cells = ([first, ...others]) =>
    make("tr", {}, make("th", { scope: "row" }, first), others.map((it) => make("td", {}, it)));
  const head = make("thead", {}, make("tr", {}, heads.map((it) => make("th", { scope: "col" }, it))));
  return make("div", { class: "wide", tabindex: 0, role: "group", "aria-label": label },
    make("table", {}, head, make("tbody", {}, rows.map(cells))));
}

/** Labels a control. */
export const labelled = (text, control) => make("label", {}, text, " ", control);

/** The lines in which two texts differ, and those around them. */
export function difference(label, lines) {
  if (!lines.length) return make("p", { class: "quiet" }, "No difference.");
  const MARKS = { same: ["span", "  "], removed: ["del", "- "], added: ["ins", "+ "], gap: ["span", "…"] };
  const shown = lines.map(({ kind, text = "" }) => make(MARKS[kind][0], {}, `${MARKS[kind][1]}${text}`));
  return pre(label, shown);
}
