'use strict';

// Authentik's default subject, `sub_mode: hashed_user_id`, is the user's `uid`: a SHA-256 of the user and the
// installation, which no user can change and no other installation has.
const UID = 'authentik.goauthentik.io/uid';
// Backstage's mark of an entity that no location or provider contains any more.
const ORPHAN = 'backstage.io/orphan';

/**
 * Returns a sign-in resolver that takes the one User entity of a namespace whose annotation
 * `authentik.goauthentik.io/uid` equals the subject of the ID token. The token has to be from `issuer`.
 */
function subjectMatchingUserEntity({ issuer, namespace }) {
  return async ({ result }, context) => {
    const { iss, sub } = result.fullProfile.tokenset.claims();
    if (iss !== issuer) {
      throw new Error(`Login failed, the ID token is from '${iss}', and auth.authentikEntityProvider.issuer is '${issuer}'`);
    }
    const { kind, metadata } = await findUser(context, namespace, sub);
    if (metadata.annotations[ORPHAN] === 'true') {
      throw new Error(`Login failed, '${metadata.name}' is no longer among the users of authentik-entity-provider`);
    }
    return context.signInWithCatalogUser({ entityRef: { kind, namespace, name: metadata.name } });
  };
}

async function findUser(context, namespace, subject) {
  const missing = () =>
    new Error(`Login failed, no User in namespace '${namespace}' has the annotation '${UID}: ${subject}'`);
  const filter = { kind: 'User', 'metadata.namespace': namespace, [`metadata.annotations.${UID}`]: subject };
  let found;
  try {
    found = await context.findCatalogUser({ filter });
  } catch (error) {
    throw error?.name === 'NotFoundError' ? missing() : error;
  }
  // The catalog's filter ignores letter case.
  if (found.entity.metadata.annotations[UID] !== subject) throw missing();
  return found.entity;
}

module.exports = { subjectMatchingUserEntity };
