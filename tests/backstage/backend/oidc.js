// A fake of Authentik's OpenID Connect provider: `node oidc.js` prints its URL. Every request for a sign-in is answered
// for the person of `PUT /person`, with claims by scope as in Authentik's default scope mappings. As there, a refresh
// token needs the scope `offline_access`.

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

import { SignJWT, exportJWK, generateKeyPair } from 'jose';

const CLIENT = `Basic ${btoa('backstage-for-tests:a-secret-for-tests-only')}`;
const APPLICATION = '/application/o/backstage/';
const SCOPES = {
  openid: ['sub'],
  profile: ['name', 'preferred_username', 'groups'],
  email: ['email', 'email_verified'],
};

const { publicKey, privateKey } = await generateKeyPair('RS256');
const key = { ...(await exportJWK(publicKey)), kid: 'tests', alg: 'RS256', use: 'sig' };
const grants = new Map(); // by code, access token and refresh token
let person = {};

function claims(scope) {
  const names = scope.split(' ').flatMap(name => SCOPES[name] ?? []);
  return Object.fromEntries(names.filter(name => name in person).map(name => [name, person[name]]));
}

async function tokens({ scope, nonce, redirect }, base) {
  const grant = { scope, redirect };
  const [access, refresh] = [randomUUID(), randomUUID()];
  grants.set(access, grant);
  if (scope.split(' ').includes('offline_access')) grants.set(refresh, grant);
  const idToken = await new SignJWT({ ...claims(scope), nonce })
    .setProtectedHeader({ alg: 'RS256', kid: key.kid })
    .setIssuer(person.iss ?? base + APPLICATION)
    .setAudience('backstage-for-tests')
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(privateKey);
  return {
    access_token: access,
    token_type: 'Bearer',
    expires_in: 300,
    scope,
    id_token: idToken,
    ...(grants.has(refresh) && { refresh_token: refresh }),
  };
}

// Each route returns a status with a body; without a body the status is a redirect's URL.
const routes = {
  [`GET ${APPLICATION}.well-known/openid-configuration`]: ({ base }) => [
    200,
    {
      issuer: base + APPLICATION,
      authorization_endpoint: `${base}/application/o/authorize/`,
      token_endpoint: `${base}/application/o/token/`,
      userinfo_endpoint: `${base}/application/o/userinfo/`,
      jwks_uri: `${base}${APPLICATION}jwks/`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
    },
  ],
  [`GET ${APPLICATION}jwks/`]: () => [200, { keys: [key] }],
  'GET /application/o/authorize/': ({ query }) => {
    const code = randomUUID();
    const redirect = new URL(query.get('redirect_uri'));
    grants.set(code, { scope: query.get('scope'), nonce: query.get('nonce'), redirect: redirect.href });
    redirect.searchParams.set('code', code);
    redirect.searchParams.set('state', query.get('state'));
    return [redirect.href];
  },
  'POST /application/o/token/': async ({ base, body, authorization }) => {
    if (authorization !== CLIENT) return [401, { error: 'invalid_client' }];
    const form = new URLSearchParams(body);
    const once = form.get('code') ?? form.get('refresh_token');
    const grant = grants.get(once);
    grants.delete(once);
    if (!grant || (form.has('code') && form.get('redirect_uri') !== grant.redirect)) {
      return [400, { error: 'invalid_grant' }];
    }
    return [200, await tokens(grant, base)];
  },
  'GET /application/o/userinfo/': ({ authorization }) => {
    const grant = grants.get(authorization?.replace('Bearer ', ''));
    return grant ? [200, claims(grant.scope)] : [401, { error: 'invalid_token' }];
  },
  'PUT /person': ({ body }) => {
    person = JSON.parse(body);
    return [200, {}];
  },
};

const server = createServer(async (request, response) => {
  const base = `http://${request.headers.host}`;
  const { pathname, searchParams: query } = new URL(request.url, base);
  const body = Buffer.concat(await request.toArray()).toString();
  const route = routes[`${request.method} ${pathname}`] ?? (() => [404, { error: pathname }]);
  const [status, answer] = await route({ base, query, body, authorization: request.headers.authorization });
  if (answer) response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  else response.writeHead(302, { location: status }).end();
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
