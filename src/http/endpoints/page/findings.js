// Findings, grouped by code.

import { read } from "./api.js";
import { counted, element, show } from "./dom.js";

/** Reads and shows the findings. */
export async function showFindings() {
  const { total, findings } = await read("findings");
  const codes = Map.groupBy(findings, (finding) => finding.code);
  show("finding-list",
    element("p", {}, total ? `${counted(total, "finding")} about the directory and the configuration.` : "No findings."),
    [...codes].map(([code, list]) => group(code, list)));
}

function group(code, list) {
  const remedies = Map.groupBy(list, (finding) => finding.remedy);
  return element("details", {},
    element("summary", {}, `${code} (${list.length})`),
    [...remedies].map(([remedy, same]) => [
      element("p", {}, `Remedy: ${remedy}`),
      element("ul", {}, same.map((finding) => element("li", {}, finding.message))),
    ]));
}
