'use strict';

const { coreServices, createBackendModule } = require('@backstage/backend-plugin-api');
const { oidcAuthenticator } = require('@backstage/plugin-auth-backend-module-oidc-provider');
const { authProvidersExtensionPoint, createOAuthProviderFactory } = require('@backstage/plugin-auth-node');
const { subjectMatchingUserEntity } = require('./resolver.js');

const ROOT = 'auth.authentikEntityProvider';

/** Refuses resolvers in the configuration: Backstage would prefer them to this module's. */
function refuseConfiguredResolvers(config) {
  for (const environment of config.keys()) {
    if (config.has(`${environment}.signIn`)) {
      throw new Error(
        `auth.providers.oidc.${environment}.signIn has to be removed: ` +
          'backstage-plugin-auth-backend-module-authentik-entity-provider is the sign-in resolver',
      );
    }
  }
}

/** The backend module, in place of `@backstage/plugin-auth-backend-module-oidc-provider`. */
const authModuleAuthentikEntityProvider = createBackendModule({
  pluginId: 'auth',
  moduleId: 'authentik-entity-provider',
  register({ registerInit }) {
    registerInit({
      deps: { config: coreServices.rootConfig, providers: authProvidersExtensionPoint },
      async init({ config, providers }) {
        const signInResolver = subjectMatchingUserEntity({
          issuer: config.getString(`${ROOT}.issuer`),
          namespace: config.getOptionalString(`${ROOT}.namespace`) ?? 'default',
        });
        const factory = createOAuthProviderFactory({ authenticator: oidcAuthenticator, signInResolver });
        providers.registerProvider({
          providerId: 'oidc',
          factory: context => {
            refuseConfiguredResolvers(context.config);
            return factory(context);
          },
        });
      },
    });
  },
});

module.exports = { default: authModuleAuthentikEntityProvider };
Object.defineProperty(module.exports, '__esModule', { value: true });
