// The timeline of runs, and one run in detail.

import { read, readRuns } from "./api.js";
import { byId, counted, element, moment, show, table } from "./dom.js";
import { acceptHeld } from "./sync.js";

const HEADS = ["Started", "Trigger", "Mode", "Outcome", "#Seconds", "#Added", "#Changed", "#Removed", "Changes"];
/** The number of runs that are always shown. */
const NEWEST = 5;
const HEIGHT = 100;
const MIDDLE = 55;
const BAR = 8;

/** Reads and shows the runs. */
export async function showRuns() {
  const { runs } = await readRuns("sync");
  const ended = runs.filter((run) => run.endedAt);
  show("timeline", timeline(ended), element("p", { class: "soft" },
    "Above the line: duration, dark for a full sync. Below: added, changed and removed entities, on a logarithmic scale."));
  const rows = runs.map((run) => row(run, run === ended[0]));
  const open = byId("older-runs")?.open ?? false;
  show("run-table", table("Newest runs", HEADS, rows.slice(0, NEWEST)),
    rows.length > NEWEST ? element("details", { id: "older-runs", open },
      element("summary", {}, `${counted(rows.length - NEWEST, "older run")}`), table("Older runs", HEADS, rows.slice(NEWEST))) : "");
}

function row(run, isLast) {
  const details = element("button", {
    type: "button", class: "link", "aria-label": `show the changes of run ${run.id}`, onclick: () => showRun(run.id, isLast),
  }, "show");
  return [
    moment(run.startedAt ?? run.queuedAt), run.trigger, run.mode ?? "none",
    element("span", { class: run.state }, run.state),
    run.durationSeconds?.toFixed(2), run.added, run.changed, run.removed, details,
  ].map((cell) => (typeof cell === "number" ? String(cell) : cell));
}

/** Draws durations upwards, and changes downwards on a logarithmic scale, the newest run on the right. */
function timeline(runs) {
  const oldest = [...runs].reverse();
  const longest = Math.max(...runs.map((run) => run.durationSeconds ?? 0), 0.001);
  const largest = Math.max(...runs.map((run) => size(run.added) + size(run.changed) + size(run.removed)), 1);
  const bars = oldest.flatMap((run, at) => bar(run, at * BAR, longest, largest));
  const width = Math.max(oldest.length, 20) * BAR;
  return element("svg:svg", {
    viewBox: `0 0 ${width} ${HEIGHT}`, preserveAspectRatio: "none", role: "img",
    "aria-label": `Durations and changes of the last ${counted(runs.length, "run")}; the table has the same data`,
  }, bars, element("svg:line", { class: "axis", x1: 0, x2: width, y1: MIDDLE, y2: MIDDLE }));
}

const size = (count) => Math.log2(1 + (count ?? 0));

function bar(run, x, longest, largest) {
  const height = Math.max(2, (MIDDLE - 2) * Math.sqrt((run.durationSeconds ?? 0) / longest));
  const title = `${run.mode ?? "no"} sync, ${run.state}, ${(run.durationSeconds ?? 0).toFixed(2)} s, `
    + `${run.added ?? 0} added, ${run.changed ?? 0} changed, ${run.removed ?? 0} removed`;
  let y = MIDDLE + 1;
  const changes = ["added", "changed", "removed"].map((kind) => {
    const part = { class: kind, x, y, width: BAR - 2, height: ((HEIGHT - MIDDLE - 1) * size(run[kind])) / largest };
    y += part.height;
    return element("svg:rect", part);
  });
  const duration = { class: `run ${run.mode ?? ""} ${run.state}`, x, y: MIDDLE - height, width: BAR - 2, height };
  return [element("svg:g", {}, element("svg:title", {}, title), element("svg:rect", duration), changes)];
}

/** Reads and shows one run. Only the last run can be accepted: it compared the current snapshot. */
async function showRun(id, isLast) {
  let run;
  try {
    run = await read(`sync/${id}`);
  } catch (problem) {
    show("run-detail", element("p", { class: "problem" }, problem.message));
    return;
  }
  const lists = Object.entries(run.changeList ?? {}).map(([kind, refs]) => changes(run, kind, refs));
  show("run-detail",
    element("h3", {}, `Run ${run.id}`),
    run.error ? element("p", { class: "problem" }, run.error.message) : "",
    run.state === "held" ? element("p", {}, "Nothing was published. An accepted run would make these changes:") : "",
    lists.length ? lists : element("p", {}, "No changes."),
    run.state === "held" && isLast ? acceptButton(run) : "",
  );
  byId("run-detail").scrollIntoView({ block: "nearest" });
}

function changes(run, kind, refs) {
  return element("details", { open: kind === "removed" && refs.length > 0 },
    element("summary", {}, `${counted(run[kind] ?? 0, "entity").replace("entitys", "entities")} ${kind}`),
    element("ul", {}, refs.map((ref) => element("li", {}, ref))),
    refs.length < (run[kind] ?? 0) ? element("p", { class: "soft" }, "The list is shortened.") : "");
}

function acceptButton(run) {
  const confirm = element("button", { type: "button", hidden: true, onclick: acceptHeld }, `Yes, remove ${run.removed} and publish`);
  const first = element("button", { type: "button", onclick: () => { confirm.hidden = false; confirm.focus(); } }, "Accept these changes …");
  return element("p", {}, first, " ", confirm);
}
