// A Backstage backend with a catalog and nothing else, started as `node index.js --config FILE`.

import { createBackend } from '@backstage/backend-defaults';

import probe from './probe.js';

const backend = createBackend();
backend.add(import('@backstage/plugin-catalog-backend'));
backend.add(probe);
if (process.env.WITH_AUTHENTIK_MODULE === 'true') {
  backend.add(import('@naqa92/backstage-plugin-catalog-backend-module-authentik'));
}
await backend.start();
