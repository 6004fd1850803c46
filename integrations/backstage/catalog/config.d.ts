import { SchedulerServiceTaskScheduleDefinitionConfig } from '@backstage/backend-plugin-api';

interface AuthentikEntityProvider {
  /** The URL of authentik-entity-provider, such as `https://entities.example.com`. */
  baseUrl: string;
  /**
   * One of its `auth.readTokens`.
   * @visibility secret
   */
  token?: string;
  /** When to ask for changes; every two seconds by default. */
  schedule?: SchedulerServiceTaskScheduleDefinitionConfig;
  /** The name of this provider in the catalog's database. */
  providerName?: string;
  /** The owner of the entities in the catalog's database; the provider's name by default. */
  locationKey?: string;
}

export interface Config {
  catalog?: {
    providers?: {
      /** One provider, or several by id. */
      authentikEntityProvider?: AuthentikEntityProvider | { [id: string]: AuthentikEntityProvider };
    };
  };
}
