// Reads Authentik with the npm module's own provider, and prints what that cost as JSON.
// Arguments: the base URL of Authentik and a token.
const { AuthentikEntityProvider } = require("@naqa92/backstage-plugin-catalog-backend-module-authentik/dist/provider.cjs.js");

const [baseUrl, token] = process.argv.slice(2);
let requests = 0;
const plain = globalThis.fetch;
globalThis.fetch = (...of) => {
  requests += 1;
  return plain(...of);
};
const fail = (...of) => {
  console.error(...of);
  process.exit(1);
};
const logger = { info() {}, warn: fail, error: fail };

(async () => {
  const provider = new AuthentikEntityProvider({ baseUrl, token, excludeGroups: [], includeServiceAccounts: false }, logger);
  let entities = 0;
  await provider.connect({ applyMutation: async (mutation) => { entities = mutation.entities.length; } });
  const [began, before] = [process.hrtime.bigint(), process.cpuUsage()];
  await provider.read();
  const { user, system } = process.cpuUsage(before);
  console.log(JSON.stringify({
    seconds: Number(process.hrtime.bigint() - began) / 1e9,
    cpu: (user + system) / 1e6,
    megabytes: (process.resourceUsage().maxRSS * 1024) / 1e6,
    requests,
    entities,
  }));
})();
