// The state of the service and its snapshot.

import { byId, counted, element, moment, show, span } from "./dom.js";

const WORDS = {
  starting: "Starting: there is no snapshot yet",
  ok: "OK",
  degraded: "Degraded: the snapshot is served, but something needs attention",
  draining: "Shutting down",
};

/** Shows the answer of /health. */
export function showStatus(health) {
  byId("state").className = health.status;
  show("state", `${WORDS[health.status] ?? health.status}. Version ${health.version}.`);
  const problems = problemsOf(health);
  // A screen reader announces every change, so an equal text stays.
  if (byId("problems").textContent !== problems.join("")) {
    show("problems", problems.map((text) => element("p", { class: "problem" }, text)));
  }
  show("facts", factsOf(health).flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
}

/** Returns what is wrong, each with its remedy. */
function problemsOf({ snapshot, lastRun, replicas, configurationError, stateError }) {
  const problems = [];
  if (lastRun?.error) problems.push(`The last run ${lastRun.state === "held" ? "was held" : "failed"} (${lastRun.error.code}): ${lastRun.error.message}`);
  if (snapshot?.stale) problems.push("The snapshot is older than `entityProvider.maxAge`, so the service is not ready.");
  if (configurationError) problems.push(`Configuration: ${configurationError}`);
  if (replicas?.databaseError) problems.push(`Database of the replicas: ${replicas.databaseError}. This replica serves its last snapshot, and no run starts.`);
  if (replicas?.lagSeconds > 10) problems.push("The other replicas serve a newer snapshot, so this one is not ready.");
  for (const { key, hosts } of replicas?.differingSettings ?? []) problems.push(`\`${key}\` has another value at ${hosts.join(", ")}: configure all replicas equally.`);
  if (stateError) problems.push(`State file: ${stateError}`);
  return problems;
}

function factsOf({ snapshot, run, lastRun, nextRunAt, webhookPendingSince, replicas }) {
  const facts = [];
  if (snapshot) {
    const kept = snapshot.restored ? ", restored after a restart" : "";
    facts.push(["Served", `${counted(snapshot.users, "user")} and ${counted(snapshot.groups, "group")}`]);
    facts.push(["Read from Authentik", element("span", {}, moment(snapshot.readAt), kept)]);
    facts.push(["Findings", element("a", { href: "#findings" }, counted(snapshot.findings, "finding"))]);
  }
  if (lastRun) facts.push(["Last run", element("span", { class: lastRun.state }, outcome(lastRun))]);
  facts.push(["Next run", run ? `a run is ${run.state === "running" ? "in progress" : "queued"}` : next(nextRunAt)]);
  if (webhookPendingSince) facts.push(["Webhook", element("span", {}, "waits for a run since ", moment(webhookPendingSince))]);
  if (replicas) facts.push(["Replicas", roles(replicas)]);
  return facts;
}

/** Returns how many replicas there are, and which one syncs. */
function roles({ isLeader, live }) {
  const leader = live.find((replica) => replica.isLeader);
  const syncs = isLeader ? "this one syncs" : leader ? `${leader.host} syncs` : "none syncs";
  return `${live.length.toLocaleString("en")} live; ${syncs}`;
}

function outcome({ state, mode, durationSeconds }) {
  const took = durationSeconds == null ? "" : ` after ${durationSeconds < 1 ? "less than a second" : span(durationSeconds)}`;
  return `${mode ? `${mode} sync ` : ""}${state}${took}`;
}

const next = (at) => (at ? moment(at) : "no schedule: a client requests each run");
