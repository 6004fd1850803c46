// Sends a token to the entity provider in a header, so that the URL of a location needs none.
//
// Add it to Backstage's backend, `backend.add(import('./url-reader.js'))`, with this in app-config:
//
//   authentikEntityProvider:
//     baseUrl: https://entities.example.com
//     token: ${ENTITY_PROVIDER_TOKEN}   # one of the provider's `auth.readTokens`
//
// It reads URLs below `baseUrl` and no others, so `backend.reading.allow` need not name the host.

import { FetchUrlReader, urlReaderFactoriesServiceRef } from '@backstage/backend-defaults/urlReader';
import { createServiceFactory } from '@backstage/backend-plugin-api';
import { ConfigReader } from '@backstage/config';

const withoutSlash = path => path.replace(/\/+$/, '');

function entityProviderReader({ config }) {
  const block = config.getConfig('authentikEntityProvider');
  const base = new URL(block.getString('baseUrl'));
  const token = block.getString('token');
  const path = withoutSlash(base.pathname);
  // A redirect would forward the token, so the inner reader may read no other URL either.
  const allow = [{ host: base.host, ...(path && { paths: [path] }) }];
  const inner = FetchUrlReader.fromConfig(new ConfigReader({ backend: { reading: { allow } } }));
  const reader = {
    readUrl: (url, options) => inner.readUrl(url, { ...options, token }),
    readTree: () => inner.readTree(),
    search: (url, options) => inner.search(url, { ...options, token }),
  };
  const predicate = url => url.origin === base.origin && `${url.pathname}/`.startsWith(`${path}/`);
  return [{ reader, predicate }];
}

export default createServiceFactory({
  service: urlReaderFactoriesServiceRef,
  deps: {},
  factory: () => entityProviderReader,
});
