// Loads the sections and keeps them current.

import { Problem, readHealth, setTokens } from "./api.js";
import { byId, element, show } from "./dom.js";
import { showFindings } from "./findings.js";
import { showGroups } from "./groups.js";
import { showReaders } from "./readers.js";
import { showRuns } from "./runs.js";
import { startSearch } from "./search.js";
import { showStatus } from "./status.js";
import { startSync } from "./sync.js";

const INTERVAL_MILLISECONDS = 5000;

/** The parts that need a token: where they are shown, and how. */
const CURRENT = [["run-table", showRuns], ["reader-table", showReaders]];
const ON_CHANGE = [["finding-list", showFindings], ["group-tree", showGroups]];

let shownTag;

async function refresh() {
  try {
    const health = await readHealth();
    showStatus(health);
    await Promise.all(CURRENT.map(load));
    if (health.snapshot?.etag !== shownTag) {
      shownTag = health.snapshot?.etag;
      await Promise.all(ON_CHANGE.map(load));
    }
  } catch {
    show("state", "The service does not respond; this page tries again.");
  }
}

/** Shows a part, or why it cannot be shown. */
async function load([id, part]) {
  try {
    await part();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    show(id, element("p", { class: "soft" }, problem.isAboutToken ? "A token is needed to show this." : problem.message));
    if (problem.isAboutToken) byId("tokens").hidden = false;
  }
}

/** Shows everything again, also what has not changed. */
async function reload() {
  shownTag = undefined;
  await refresh();
}

byId("token-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  setTokens(byId("read-token").value, byId("sync-token").value);
  await reload();
  const refused = document.querySelector("#run-table .soft, #finding-list .soft");
  show("token-answer", refused ? "Some parts still need another token." : "The tokens are accepted.");
});

startSearch();
startSync(reload);
await refresh();
// A hidden tab asks for nothing.
setInterval(() => document.hidden || refresh(), INTERVAL_MILLISECONDS);
