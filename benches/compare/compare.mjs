// Runs the comparison, prints its tables and writes its plot.

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { plot } from "./plot.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const ROOT = join(HERE, "../..");
const RELEASE = join(ROOT, "target/release");
const USERS = (process.env.USERS ?? "1000,10000").split(",").map(Number);
const LATENCIES = [0, 20];
const ROUNDS = 3;
const [SERVER_CORE, CLIENT_CORE] = ["0", "1"];
const folder = mkdtempSync(join(tmpdir(), "compare-"));
const children = new Set();

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const round = (number, digits = 2) => Number(number.toFixed(digits));

/** Starts a program; resolves with its first line of output that matches. */
function start(program, args, env, pattern, stream = "stdout") {
  const child = spawn(program, args, { env: { PATH: process.env.PATH, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  children.add(child);
  child.ended = new Promise((resolve) => child.once("exit", resolve));
  return new Promise((resolve, reject) => {
    let text = "";
    child[stream].on("data", (data) => {
      text += data;
      const match = text.match(pattern);
      if (match) resolve({ child, match });
    });
    child.ended.then((code) => reject(new Error(`${program} ended with ${code}: ${text}`)));
  });
}

async function stop(child) {
  child.kill();
  await child.ended;
  children.delete(child);
}

const authentik = (users, latency) =>
  start(join(RELEASE, "examples/serve"), ["--users", users, "--latency-ms", latency, "--listen", "127.0.0.1:0"], {}, /(http:\S+) (\S+)/);

/** Starts the service; `prefix` is a program that starts it, such as `taskset`. */
async function service(baseUrl, token, concurrency, prefix = []) {
  const command = [...prefix, join(RELEASE, "authentik-entity-provider"), "serve"];
  const env = {
    AUTHENTIK_BASE_URL: baseUrl,
    AUTHENTIK_TOKEN: token,
    ENTITY_PROVIDER_LISTEN: "127.0.0.1:0",
    ENTITY_PROVIDER_STATE_DIR: "false",
    ENTITY_PROVIDER_SCHEDULE_FREQUENCY: "{trigger: manual}",
    ENTITY_PROVIDER_CONCURRENCY: String(concurrency),
  };
  const { child, match } = await start(command[0], command.slice(1), env, /"address":"([^"]+)"/, "stderr");
  return { child, address: `http://${match[1]}` };
}

/** Returns the CPU seconds and the peak memory of a process. */
function usage(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  const peak = readFileSync(`/proc/${pid}/status`, "utf8").match(/VmHWM:\s+(\d+)/)[1];
  return { cpu: (Number(fields[11]) + Number(fields[12])) / 100, megabytes: (peak * 1024) / 1e6 };
}

/** A full sync of a new process of the service. */
async function serviceReads(baseUrl, token, concurrency) {
  const { child, address } = await service(baseUrl, token, concurrency);
  const before = usage(child.pid);
  const began = performance.now();
  const run = await (await fetch(`${address}/sync?wait=10m`, { method: "POST" })).json();
  const seconds = (performance.now() - began) / 1000;
  if (run.state !== "succeeded") throw new Error(JSON.stringify(run));
  const metrics = await (await fetch(`${address}/metrics`)).text();
  const requests = Number(metrics.match(/upstream_requests_total (\d+)/)[1]);
  const after = usage(child.pid);
  await stop(child);
  return { seconds, cpu: after.cpu - before.cpu, megabytes: after.megabytes, requests };
}

const moduleReads = async (baseUrl, token) =>
  JSON.parse(execFileSync(process.execPath, ["module.cjs", baseUrl, token], { cwd: HERE, maxBuffer: 1 << 24 }));

/** Compares the reading of a directory, in alternating rounds. */
async function compareReading(users, latency) {
  const { child, match: [, baseUrl, token] } = await authentik(users, latency);
  const readers = {
    "npm module": () => moduleReads(baseUrl, token),
    "service, concurrency 4": () => serviceReads(baseUrl, token, 4),
    "service, concurrency 8": () => serviceReads(baseUrl, token, 8),
  };
  const results = Object.fromEntries(Object.keys(readers).map((name) => [name, []]));
  for (let at = 0; at < ROUNDS; at += 1) {
    for (const [name, read] of Object.entries(readers)) results[name].push(await read());
  }
  await stop(child);
  const rows = Object.entries(results).map(([name, rounds]) => {
    const of = (key) => median(rounds.map((result) => result[key]));
    return { users, latency, name, seconds: of("seconds"), cpu: of("cpu"), megabytes: of("megabytes"), requests: of("requests") };
  });
  for (const row of rows) row.ratio = rows[0].seconds / row.seconds;
  return rows;
}

/** Returns the answers a second, and the 99th percentile in ms, of `wrk` on one core. */
function wrk(url, headers) {
  const options = Object.entries(headers).flatMap(([key, value]) => ["-H", `${key}: ${value}`]);
  const text = execFileSync("taskset", ["-c", CLIENT_CORE, "wrk", "-t1", "-c16", "-d3s", "--latency", ...options, url], { encoding: "utf8" });
  const [, value, unit] = text.match(/99%\s+([\d.]+)(us|ms|s)/);
  return { rate: Number(text.match(/Requests\/sec:\s+([\d.]+)/)[1]), p99: value * { us: 0.001, ms: 1, s: 1000 }[unit] };
}

/** Returns the bytes of a body with a content coding, as they are sent. */
function body(url, coding) {
  return new Promise((resolve, reject) => {
    const request = get(url, { headers: { "accept-encoding": coding } }, async (answer) => {
      const parts = [];
      for await (const part of answer) parts.push(part);
      resolve(Buffer.concat(parts));
    });
    request.once("error", reject);
  });
}

/** Starts nginx with one worker on one core, with these files. */
async function nginx(files) {
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  const config = `daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr notice;
    events { worker_connections 512; }
    http { access_log off; sendfile on; keepalive_requests 1000000000; gzip_static on; default_type application/yaml;
      server { listen 127.0.0.1:18480; root ${folder}; } }`;
  writeFileSync(join(folder, "nginx.conf"), config);
  execFileSync("chmod", ["-R", "a+rX", folder]);
  const args = ["-c", SERVER_CORE, "nginx", "-p", folder, "-c", join(folder, "nginx.conf")];
  const { child } = await start("taskset", args, {}, /start worker process/, "stderr");
  return { child, address: "http://127.0.0.1:18480" };
}

/** Compares the serving of the same bytes. */
async function compareServing(users) {
  const { child: fake, match: [, baseUrl, token] } = await authentik(users, 0);
  const own = await service(baseUrl, token, 4, ["taskset", "-c", SERVER_CORE]);
  await fetch(`${own.address}/sync?wait=10m`, { method: "POST" });
  await stop(fake);
  const [whole, shard] = ["/entities", "/entities?shard=3/64"];
  const files = {};
  for (const [name, path] of [["entities", whole], ["shard", shard]]) {
    files[name] = await body(own.address + path, "identity");
    files[`${name}.gz`] = await body(own.address + path, "gzip");
  }
  const other = await nginx(files);
  const plain = { headers: { "accept-encoding": "identity" } };
  const tag = async (url) => (await fetch(url, plain)).headers.get("etag");
  const cases = [
    ["304", whole, "/entities", async (url) => ({ "if-none-match": await tag(url) })],
    ["whole body, gzip", whole, "/entities", async () => ({ "accept-encoding": "gzip" })],
    ["a shard of 64, plain", shard, "/shard", async () => ({})],
    ["a shard of 64, gzip", shard, "/shard", async () => ({ "accept-encoding": "gzip" })],
  ];
  const rows = [];
  for (const [name, ours, theirs, headers] of cases) {
    const urls = [own.address + ours, other.address + theirs];
    const sent = await Promise.all(urls.map(headers));
    const rounds = [];
    for (let at = 0; at < ROUNDS; at += 1) rounds.push(urls.map((url, which) => wrk(url, sent[which])));
    const of = (which, key) => median(rounds.map((pair) => pair[which][key]));
    rows.push({ users, name, service: of(0, "rate"), nginx: of(1, "rate"), p99: of(0, "p99"), p99Nginx: of(1, "p99") });
  }
  await stop(own.child);
  await stop(other.child);
  return rows;
}

function table(heads, rows) {
  return [heads, heads.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

try {
  const reading = [];
  for (const users of USERS) {
    for (const latency of LATENCIES) reading.push(...(await compareReading(users, latency)));
  }
  console.log(table(
    ["users", "latency", "reader", "seconds", "times as fast", "CPU seconds", "peak MB", "requests"],
    reading.map((row) => [row.users, `${row.latency} ms`, row.name, round(row.seconds), round(row.ratio, 1), round(row.cpu), round(row.megabytes, 0), row.requests]),
  ));
  const serving = await compareServing(USERS.includes(10000) ? 10000 : USERS[0]);
  console.log(`\n${table(
    ["users", "answer", "service a second", "nginx a second", "ratio", "service p99", "nginx p99"],
    serving.map((row) => [row.users, row.name, round(row.service, 0), round(row.nginx, 0), round(row.service / row.nginx), `${round(row.p99)} ms`, `${round(row.p99Nginx)} ms`]),
  )}`);
  writeFileSync(join(ROOT, "docs/compare.svg"), plot(reading));
} finally {
  for (const child of children) child.kill();
  rmSync(folder, { recursive: true });
}
