'use strict';

/**
 * An entity provider that reads `GET /entities` of authentik-entity-provider.
 *
 * It asks with `If-None-Match`, and replaces its entities only by a complete answer that differs from the
 * last one. The catalog then processes the entities that differ. How many entities may vanish is decided by
 * the shrink guard of the service.
 */
class EntityServiceProvider {
  #url;
  #headers;
  #providerName;
  #locationKey;
  #logger;
  #runner;
  #connection;
  #etag;
  #problem;

  constructor({ baseUrl, token, providerName, locationKey, logger, runner }) {
    this.#url = `${baseUrl.replace(/\/+$/, '')}/entities?format=json`;
    this.#headers = token ? { authorization: `Bearer ${token}` } : {};
    this.#providerName = providerName;
    this.#locationKey = locationKey;
    this.#logger = logger.child({ provider: providerName });
    this.#runner = runner;
  }

  getProviderName() {
    return this.#providerName;
  }

  async connect(connection) {
    this.#connection = connection;
    await this.#runner.run({
      id: `${this.#providerName}:refresh`,
      fn: signal => this.refresh(signal),
    });
  }

  /** Reads the service once. A failure is logged when it differs from the last one, and changes nothing. */
  async refresh(signal) {
    try {
      await this.#read(signal);
      if (this.#problem) this.#logger.info(`${this.#url} can be read again`);
      this.#problem = undefined;
    } catch (error) {
      const problem = `cannot read ${this.#url}, so its entities stay as they are: ${reason(error)}`;
      if (problem !== this.#problem) this.#logger.error(problem);
      this.#problem = problem;
    }
  }

  async #read(signal) {
    const conditional = this.#etag ? { 'if-none-match': this.#etag } : {};
    const response = await fetch(this.#url, {
      headers: { accept: 'application/json', ...this.#headers, ...conditional },
      redirect: 'error', // a redirect would send the token to another server
      signal,
    });
    if (response.status === 304) {
      await response.arrayBuffer();
      return;
    }
    const entities = await readEntities(response);
    const deferred = entities.map(entity => ({ entity, locationKey: this.#locationKey }));
    await this.#connection.applyMutation({ type: 'full', entities: deferred });
    this.#etag = response.headers.get('etag');
    this.#logger.info(`${entities.length} entities were read`);
  }
}

/** Returns the entities of a complete answer. */
async function readEntities(response) {
  const text = await response.text();
  if (response.status !== 200) {
    throw new Error(`it answers ${response.status}${detail(text)}`);
  }
  let entities;
  try {
    entities = JSON.parse(text);
  } catch {
    throw new Error('the answer is not JSON; is it authentik-entity-provider?');
  }
  const count = Number(response.headers.get('entity-count') ?? NaN);
  if (!Array.isArray(entities) || !Number.isInteger(count)) {
    throw new Error('the answer is not a list of entities with an Entity-Count; is it authentik-entity-provider?');
  }
  if (!entities.length || entities.length !== count) {
    throw new Error(`the answer has ${entities.length} entities, where the service announced ${count}`);
  }
  const invalid = entities.findIndex(entity => !entity?.kind || !entity.metadata?.name);
  if (invalid >= 0) {
    throw new Error(`item ${invalid} of the answer has no kind or no name`);
  }
  return entities;
}

/** Returns the detail of a problem document (RFC 9457). */
function detail(text) {
  try {
    const { detail: message } = JSON.parse(text);
    return message ? `: ${message}` : '';
  } catch {
    return '';
  }
}

/** Returns the message of an error with its cause, such as `fetch failed: connect ECONNREFUSED`. */
function reason(error) {
  const cause = error.cause?.message || error.cause?.code;
  return cause ? `${error.message}: ${cause}` : error.message;
}

module.exports = { EntityServiceProvider };
