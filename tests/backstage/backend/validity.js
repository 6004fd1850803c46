// Checks entities as the catalog does: `node validity.js FILE`, where each line of the file is one body as a JSON string.
// Prints a line for each body: a list of its entities, each with its ref, its relations, and the error if there is one.

import { readFileSync } from 'node:fs';

import {
  DefaultNamespaceEntityPolicy,
  EntityPolicies,
  FieldFormatEntityPolicy,
  NoForeignRootFieldsEntityPolicy,
  SchemaValidEntityPolicy,
  entityEnvelopeSchemaValidator,
  stringifyEntityRef,
} from '@backstage/catalog-model';
import { BuiltinKindsEntityProcessor, PlaceholderProcessor } from '@backstage/plugin-catalog-backend';
import { parseEntityYaml } from '@backstage/plugin-catalog-node';

const location = { type: 'url', target: 'http://entities.example.com/entities' };
const checkEnvelope = entityEnvelopeSchemaValidator();
// The policies of `CatalogBuilder`.
const policies = EntityPolicies.allOf([
  new SchemaValidEntityPolicy(),
  new DefaultNamespaceEntityPolicy(),
  new NoForeignRootFieldsEntityPolicy(),
  new FieldFormatEntityPolicy(),
]);
const kinds = new BuiltinKindsEntityProcessor();
const placeholders = new PlaceholderProcessor({
  resolvers: { text: refusePlaceholder, json: refusePlaceholder, yaml: refusePlaceholder },
});

function refusePlaceholder({ key, value }) {
  throw new Error(`$${key} would load ${value}`);
}

// The steps of `DefaultCatalogProcessingOrchestrator`; returns the refs to which the entity has relations.
async function relationsOf(entity) {
  checkEnvelope(entity);
  await placeholders.preProcessEntity(entity, location);
  const checked = await policies.enforce(entity);
  if (!(await kinds.validateEntityKind(checked))) throw new Error(`no kind ${checked.kind}`);
  const relations = new Set();
  await kinds.postProcessEntity(checked, location, ({ relation }) => {
    for (const end of [relation.source, relation.target]) relations.add(stringifyEntityRef(end));
  });
  return [...relations];
}

async function check(result) {
  // An error here blocks the whole body.
  if (result.type !== 'entity') return { error: String(result.error) };
  const { entity } = result;
  try {
    return { entity, ref: stringifyEntityRef(entity), relations: await relationsOf(structuredClone(entity)) };
  } catch (error) {
    return { entity, ref: stringifyEntityRef(entity), error: String(error) };
  }
}

const lines = readFileSync(process.argv[2], 'utf8').split('\n').filter(line => line);
for (const line of lines) {
  const results = [...parseEntityYaml(Buffer.from(JSON.parse(line)), location)];
  console.log(JSON.stringify(await Promise.all(results.map(check))));
}
