// Requests runs and follows them.

import { events, requestRun } from "./api.js";
import { byId, show } from "./dom.js";

let refresh = () => {};

/** Connects the buttons. `onEnd` is called after each run. */
export function startSync(onEnd) {
  refresh = onEnd;
  byId("sync").addEventListener("click", () => follow(""));
  byId("full-sync").addEventListener("click", () => follow("?full=true"));
}

/** Requests a run that may publish what the last one held. */
export const acceptHeld = () => follow("?accept=shrink");

async function follow(query) {
  show("sync-answer", "The run is requested.");
  try {
    const { id } = await requestRun(query);
    byId("progress").hidden = false;
    for await (const [name, data] of events(id)) {
      if (name === "progress") progress(data);
      else ended(name, data);
    }
  } catch (problem) {
    show("sync-answer", problem.message);
  }
  byId("progress").hidden = true;
  await refresh();
}

function progress({ done, total }) {
  const bar = byId("progress-bar");
  if (total) Object.assign(bar, { max: total, value: done });
  else bar.removeAttribute("value");
}

function ended(state, run) {
  const changes = `${run.added ?? 0} added, ${run.changed ?? 0} changed, ${run.removed ?? 0} removed`;
  const words = {
    succeeded: `The run succeeded: ${changes}.`,
    held: `The run was held; it would have made these changes: ${changes}.`,
  };
  show("sync-answer", words[state] ?? `The run failed: ${run.error?.message}`);
}
