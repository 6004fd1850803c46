// The tree of groups. A group with several parents appears below each of them.

import { read } from "./api.js";
import { counted, element, show } from "./dom.js";
import { explain } from "./search.js";

/** Reads and shows the tree. */
export async function showGroups() {
  const groups = await read("entities?kind=group&format=json");
  const byName = new Map(groups.map((group) => [group.metadata.name, group]));
  const children = (group) => (group.spec.children ?? []).map((ref) => byName.get(name(ref))).filter(Boolean);
  const below = new Set(groups.flatMap(children));
  const roots = groups.filter((group) => !below.has(group));
  show("group-tree", groups.length ? branch(roots, children, "tree") : element("p", {}, "No groups."));
}

/** Returns the name of an entity ref. */
const name = (ref) => ref.slice(ref.lastIndexOf("/") + 1).slice(ref.includes("/") ? 0 : ref.indexOf(":") + 1);

function branch(groups, children, style) {
  return element("ul", { class: style }, groups.map((group) => element("li", {}, node(group, children))));
}

function node(group, children) {
  const below = children(group);
  if (!below.length) return label(group);
  const details = element("details", {}, element("summary", {}, title(group)), label(group));
  // The branches are built when they are opened: a directory may have thousands of groups.
  details.addEventListener("toggle", () => details.append(branch(below, children)), { once: true });
  return details;
}

const title = (group) => group.spec.profile?.displayName ?? group.metadata.name;

function label(group) {
  const members = counted(group.spec.members?.length ?? 0, "member");
  const open = () => explain("group", group.metadata.name);
  return element("span", {},
    element("button", { type: "button", class: "link", onclick: open }, title(group)), ` (${group.metadata.name}), ${members}`);
}
