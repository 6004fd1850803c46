// Requests to the service. The tokens are variables of this module, so they end with the tab.

const tokens = { read: "", sync: "" };

/** Sets the tokens of all further requests. */
export function setTokens(read, sync) {
  Object.assign(tokens, { read: read.trim(), sync: sync.trim() });
}

/** A problem document as an error. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? `The service responded with status ${status}.`);
    this.status = status;
    this.code = body.code;
  }

  /** Whether another token may help. */
  get isAboutToken() {
    return this.status === 401 || this.code === "token-kind";
  }
}

async function request(path, token, method = "GET") {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  const response = await fetch(path, { method, headers, cache: "no-store", credentials: "omit" });
  if (!response.ok && path !== "health") {
    throw new Problem(response.status, await response.json().catch(() => ({})));
  }
  return response;
}

const json = async (response) => (await response).json();

/** The state of the service, for everybody. */
export const readHealth = () => json(request("health"));
/** JSON about people: needs a read token. */
export const read = (path) => json(request(path, tokens.read));
/** JSON about runs: needs either token. */
export const readRuns = (path) => json(request(path, tokens.read || tokens.sync));
/** Requests a run: needs a sync token. */
export const requestRun = (query) => json(request(`sync${query}`, tokens.sync, "POST"));

/** Yields the events of a run as [name, data]. */
export async function* events(id) {
  const response = await request(`sync/${id}/events`, tokens.sync || tokens.read);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (text + value).split("\n\n");
    text = parts.pop();
    for (const part of parts) {
      const field = (name) => part.match(new RegExp(`^${name}: ?(.*)$`, "m"))?.[1];
      if (field("event")) yield [field("event"), JSON.parse(field("data"))];
    }
  }
}
