// From a schema as OpenAPI writes it to a JSON Schema (2020-12) that also refuses what is not described.

/** `document`: the one that the schema is from. */
export function asJsonSchema(schema, document) {
  const closed = close(schema, false);
  if (!JSON.stringify(closed).includes('"$ref"')) return closed;
  return { ...closed, components: { schemas: mapValues(document.components.schemas, (schema) => close(schema, false)) } };
}

/** Forbids keys that are not described. `part`: it is one of several schemas for the same object, of which none knows all. */
function close(node, part) {
  if (node === null || typeof node !== 'object') return node;
  const partial = part || node.properties !== undefined || node.allOf !== undefined;
  const result = {};
  for (const [key, value] of Object.entries(node)) {
    if (key === 'properties' || key === 'patternProperties') result[key] = mapValues(value, (schema) => close(schema, false));
    else if (key === 'allOf') result[key] = value.map((schema) => close(schema, true));
    else if (key === 'oneOf' || key === 'anyOf') result[key] = value.map((schema) => close(schema, partial));
    else if (key === 'items' || key === 'additionalProperties') result[key] = close(value, false);
    else if (key !== 'nullable') result[key] = value;
  }
  const describes = node.properties !== undefined || node.allOf !== undefined;
  if (describes && !part && node.additionalProperties === undefined) result.unevaluatedProperties = false;
  return node.nullable === true ? orNull(result) : result;
}

/** OpenAPI 3.0 says `nullable`; JSON Schema has a type for it. */
function orNull(schema) {
  if (typeof schema.type !== 'string') return { anyOf: [schema, { type: 'null' }] };
  return { ...schema, type: [schema.type, 'null'], ...(schema.enum && { enum: [...schema.enum, null] }) };
}

function mapValues(object, change) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}
