// A Backstage backend with only a catalog, and sign-in if `SIGN_IN` is set: `node index.js --config FILE`.

import { createBackend } from '@backstage/backend-defaults';

import probe from './probe.js';

const backend = createBackend();
backend.add(import('@backstage/plugin-catalog-backend'));
backend.add(probe);
if (process.env.WITH_AUTHENTIK_MODULE === 'true') {
  backend.add(import('@naqa92/backstage-plugin-catalog-backend-module-authentik'));
}
// The modules are links to `integrations/backstage`, so that they find their packages here.
if (process.env.WITH_ENTITY_PROVIDER === 'true') {
  backend.add(import('./catalog-module/index.js'));
}
if (process.env.SIGN_IN) {
  backend.add(import('@backstage/plugin-auth-backend'));
}
if (process.env.SIGN_IN === 'email') {
  backend.add(import('@backstage/plugin-auth-backend-module-oidc-provider'));
}
if (process.env.SIGN_IN === 'uid') {
  backend.add(import('./auth-module/index.js'));
}
if (process.env.WITH_URL_READER === 'true') {
  // The file of the documentation; `--preserve-symlinks` lets it find its packages here.
  backend.add(import('./url-reader.js'));
}
await backend.start();
