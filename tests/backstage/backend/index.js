// A Backstage backend with only a catalog, started as `node index.js --config FILE`.

import { createBackend } from '@backstage/backend-defaults';

import probe from './probe.js';

const backend = createBackend();
backend.add(import('@backstage/plugin-catalog-backend'));
backend.add(probe);
if (process.env.WITH_AUTHENTIK_MODULE === 'true') {
  backend.add(import('@naqa92/backstage-plugin-catalog-backend-module-authentik'));
}
if (process.env.WITH_ENTITY_PROVIDER === 'true') {
  // A link to `integrations/backstage`, so that it finds its packages here.
  backend.add(import('./entity-provider/index.js'));
}
if (process.env.WITH_URL_READER === 'true') {
  // The file of the documentation; `--preserve-symlinks` lets it find its packages here.
  backend.add(import('./url-reader.js'));
}
await backend.start();
