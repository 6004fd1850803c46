// Costs of a large catalog in this process: the longest block of its event loop, and its memory.

import { monitorEventLoopDelay } from 'node:perf_hooks';

import { coreServices, createBackendPlugin } from '@backstage/backend-plugin-api';

// Sampling interval of the event loop in milliseconds, and so the precision of a block.
const RESOLUTION = 10;

export default createBackendPlugin({
  pluginId: 'probe',
  register(env) {
    env.registerInit({
      deps: { http: coreServices.httpRouter },
      async init({ http }) {
        const delay = monitorEventLoopDelay({ resolution: RESOLUTION });
        delay.enable();
        http.addAuthPolicy({ path: '/', allow: 'unauthenticated' });
        http.use((_request, response) => {
          const longestBlockSeconds = delay.max / 1e9;
          delay.reset();
          response.json({ longestBlockSeconds, residentBytes: process.memoryUsage.rss() });
        });
      },
    });
  },
});
