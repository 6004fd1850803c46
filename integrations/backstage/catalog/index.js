'use strict';

const {
  coreServices,
  createBackendModule,
  readSchedulerServiceTaskScheduleDefinitionFromConfig,
} = require('@backstage/backend-plugin-api');
const { catalogProcessingExtensionPoint } = require('@backstage/plugin-catalog-node');
const { EntityServiceProvider } = require('./provider.js');

const ROOT = 'catalog.providers.authentikEntityProvider';
// Each Backstage asks for itself: an unchanged catalog costs one 304.
const DEFAULT_SCHEDULE = { frequency: { seconds: 2 }, timeout: { minutes: 1 }, scope: 'local' };

/** Returns each configured provider: one block, or several by id. */
function readProviders(rootConfig) {
  const root = rootConfig.getOptionalConfig(ROOT);
  if (!root) return [];
  if (root.has('baseUrl')) return [readProvider('default', root)];
  return root.keys().map(id => readProvider(id, root.getConfig(id)));
}

function readProvider(id, config) {
  const providerName = config.getOptionalString('providerName') ?? `authentik-entity-provider:${id}`;
  return {
    baseUrl: config.getString('baseUrl'),
    token: config.getOptionalString('token'),
    providerName,
    locationKey: config.getOptionalString('locationKey') ?? providerName,
    schedule: config.has('schedule')
      ? readSchedulerServiceTaskScheduleDefinitionFromConfig(config.getConfig('schedule'))
      : DEFAULT_SCHEDULE,
  };
}

/** The backend module: `backend.add(import('backstage-plugin-…'))`. */
const catalogModuleAuthentikEntityProvider = createBackendModule({
  pluginId: 'catalog',
  moduleId: 'authentik-entity-provider',
  register({ registerInit }) {
    registerInit({
      deps: {
        catalog: catalogProcessingExtensionPoint,
        config: coreServices.rootConfig,
        logger: coreServices.logger,
        scheduler: coreServices.scheduler,
      },
      async init({ catalog, config, logger, scheduler }) {
        const providers = readProviders(config);
        if (!providers.length) logger.warn(`${ROOT} is not set, so no users and groups are read`);
        for (const { schedule, ...options } of providers) {
          const runner = scheduler.createScheduledTaskRunner(schedule);
          catalog.addEntityProvider(new EntityServiceProvider({ ...options, logger, runner }));
        }
      },
    });
  },
});

module.exports = { default: catalogModuleAuthentikEntityProvider };
Object.defineProperty(module.exports, '__esModule', { value: true });
