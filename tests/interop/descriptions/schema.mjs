// From a schema as OpenAPI writes it to a JSON Schema that also refuses what is not described.

import fromOpenApi from '@openapi-contrib/openapi-schema-to-json-schema';

/** `document`: the one that the schema is from. */
export function asJsonSchema(schema, document) {
  // From OpenAPI 3.1 on, its schemas are JSON Schemas.
  const isOld = document.openapi.startsWith('3.0');
  const { $schema: _, ...converted } = isOld ? fromOpenApi(schema, { cloneSchema: true }) : schema;
  const closed = close(converted, false);
  if (!JSON.stringify(closed).includes('"$ref"')) return closed;
  return { ...closed, components: { schemas: mapValues(document.components.schemas, (schema) => close(schema, false)) } };
}

/** Forbids keys that are not described. `part`: it is one of several schemas for the same object, of which none knows all. */
function close(node, part) {
  if (node === null || typeof node !== 'object') return node;
  if (Array.isArray(node)) return node.map((item) => close(item, false));
  const partial = part || node.properties !== undefined || node.allOf !== undefined;
  const result = {};
  for (const [key, value] of Object.entries(node)) {
    if (key === 'properties' || key === 'patternProperties') result[key] = mapValues(value, (schema) => close(schema, false));
    else if (key === 'allOf') result[key] = value.map((schema) => close(schema, true));
    else if (key === 'oneOf' || key === 'anyOf') result[key] = value.map((schema) => close(schema, partial));
    else if (key === 'items' || key === 'additionalProperties') result[key] = close(value, false);
    else result[key] = value;
  }
  const describes = node.properties !== undefined || node.allOf !== undefined;
  if (describes && !part && node.additionalProperties === undefined) result.unevaluatedProperties = false;
  return result;
}

function mapValues(object, change) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}
