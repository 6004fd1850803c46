// Who reads the entities: the first question after setting up.

import { readRuns } from "./api.js";
import { element, moment, show, table } from "./dom.js";

const STATUS = { 200: "200, entities sent", 304: "304, unchanged", 401: "401, token refused", 403: "403, wrong kind of token" };

/** Reads and shows the readers. */
export async function showReaders() {
  const { readers } = await readRuns("readers");
  if (!readers.length) {
    show("reader-table", element("p", {}, "No client has read the entities since the start of the service. Backstage reads every "
      + "100 to 150 seconds, as soon as its configuration has a location with the URL of this service."));
    return;
  }
  const newest = [...readers].sort((one, other) => other.lastReadAt.localeCompare(one.lastReadAt));
  show("reader-table", table("Clients that read", ["Last read", "Answer", "URL", "Client", "#Requests"], newest.map((reader) => [
    moment(reader.lastReadAt), STATUS[reader.status] ?? String(reader.status), reader.target,
    reader.agent || "unnamed", String(reader.requests),
  ])));
}
