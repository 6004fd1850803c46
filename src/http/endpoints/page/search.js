// Search over users and groups, and why a row has its entity or has none.

import { read } from "./api.js";
import { byId, counted, element, show, table } from "./dom.js";

/** Connects the form. */
export function startSearch() {
  byId("search-form").addEventListener("submit", (event) => {
    event.preventDefault();
    search().catch(report);
  });
}

async function search() {
  const kind = byId("search-kind").value;
  const query = new URLSearchParams({ q: byId("search-text").value, ...(kind && { kind }) });
  const { total, matches } = await read(`search?${query}`);
  show("explanation");
  const more = total > matches.length ? `; the first ${matches.length} are shown` : "";
  show("search-result",
    element("p", {}, `${counted(total, "match").replace("matchs", "matches")}${more}.`),
    matches.length ? table("Matches", ["Kind", "In Authentik", "Display name", "In the catalog"], matches.map(row)) : "");
}

function row({ kind, source, displayName, name, pk }) {
  const open = element("button", { type: "button", class: "link", onclick: () => explain(kind, pk) }, source || `pk ${pk}`);
  return [kind, open, displayName, name ?? "no entity"];
}

/** Shows everything about the rows with a name or pk. */
export async function explain(kind, text) {
  try {
    const { matches } = await read(`explain?${new URLSearchParams({ [kind]: text })}`);
    show("explanation", matches.map((match) => explanation(kind, match)));
  } catch (problem) {
    report(problem);
  }
  byId("explanation").focus();
  byId("explanation").scrollIntoView({ block: "nearest" });
}

function explanation(kind, { pk, source, rules, reason, entity }) {
  const missing = `This ${kind} has no entity: ${reason}.`;
  return element("article", {},
    element("h3", {}, `${kind} ${source.username ?? source.name} (pk ${pk})`),
    entity ? "" : element("p", { class: "problem" }, missing),
    element("h4", {}, "Fields in Authentik"),
    element("dl", {}, Object.entries(source).flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, plain(value))])),
    element("h4", {}, "Rules that applied"),
    element("ol", {}, rules.map(({ rule, says }) => element("li", {}, `${rule}: ${says}`))),
    entity ? [element("h4", {}, "What Backstage gets"), element("pre", { tabindex: "0" }, JSON.stringify(entity, null, 2))] : "");
}

const plain = (value) => (Array.isArray(value) ? value.join(", ") || "none" : String(value) || "empty");

const report = (problem) => show("search-result", element("p", { class: "problem" }, problem.message));
