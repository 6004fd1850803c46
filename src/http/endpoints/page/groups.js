// The tree of groups. A group with several parents appears below each of them.

import { read } from "./api.js";
import { counted, element, show } from "./dom.js";
import { explain } from "./search.js";

/** Reads and shows the tree. */
export async function showGroups() {
  const groups = await read("entities?kind=group&format=json");
  const byName = new Map(groups.map((group) => [group.metadata.name, group]));
  const children = (group) => group.spec.children.map((name) => byName.get(name)).filter(Boolean);
  const below = new Set(groups.flatMap(children));
  const roots = groups.filter((group) => !below.has(group));
  show("group-tree", groups.length ? branch(roots, children, "tree") : element("p", {}, "No groups."));
}

function branch(groups, children, style) {
  return element("ul", { class: style }, groups.map((group) => element("li", {}, node(group, children))));
}

function node(group, children) {
  const below = children(group);
  if (!below.length) return element("span", {}, link(group, title(group)), size(group));
  const details = element("details", {},
    element("summary", {}, title(group), size(group)), link(group, `About ${title(group)}`));
  // The branches are built when they are opened: a directory may have thousands of groups.
  details.addEventListener("toggle", () => details.append(branch(below, children)), { once: true });
  return details;
}

const title = (group) => group.spec.profile?.displayName ?? group.metadata.name;

const size = (group) => ` (${group.metadata.name}), ${counted(group.spec.members.length, "member")}`;

/** Returns a button that explains the group. */
const link = (group, text) =>
  element("button", { type: "button", class: "link", onclick: () => explain("group", group.metadata.name) }, text);
