// Builds elements. Directory data is hostile: it becomes text, never markup.

/** Returns an element. A key of `attributes` that begins with "on" adds a listener. */
export function element(name, attributes = {}, ...children) {
  const made = name.startsWith("svg:")
    ? document.createElementNS("http://www.w3.org/2000/svg", name.slice(4))
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== false && value != null) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child != null));
  return made;
}

/** Returns the element with an id. */
export const byId = (id) => document.getElementById(id);

/** Replaces the content of the element with an id. */
export const show = (id, ...children) => byId(id).replaceChildren(...children.flat(Infinity));

/** Returns a table that scrolls by itself on a narrow screen. A head that begins with "#" is a number's. */
export function table(caption, heads, rows) {
  const number = heads.map((head) => (head.startsWith("#") ? "number" : null));
  const head = heads.map((text, at) => element("th", { scope: "col", class: number[at] }, text.replace("#", "")));
  const body = rows.map((cells) =>
    element("tr", {}, cells.map((cell, at) => element("td", { class: number[at] }, cell ?? ""))));
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    element("table", {}, element("thead", {}, element("tr", {}, head)), element("tbody", {}, body)));
}

/** Returns "1 user" or "2 users". */
export const counted = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

/** Returns a distance in time in words, such as "3 minutes". */
export function span(seconds) {
  const [unit, size] = UNITS.find(([, size]) => seconds >= size) ?? ["second", 1];
  return counted(Math.max(0, Math.floor(seconds / size)), unit);
}

/** Returns a time as an element, in words and in full. */
export function moment(text) {
  const seconds = (Date.now() - new Date(text)) / 1000;
  const words = seconds >= 0 ? `${span(seconds)} ago` : `in ${span(-seconds)}`;
  return element("time", { datetime: text, title: new Date(text).toLocaleString() }, words);
}
