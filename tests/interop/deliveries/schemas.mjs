// Two authorities on what a delivery holds: the schemas of @octokit/webhooks-schemas and GitHub's own OpenAPI description.

import { createRequire } from 'node:module';
import Ajv from 'ajv';
import addFormats from 'ajv-formats';

const require = createRequire(import.meta.url);

/** What can be wrong with a place of a payload. Texts of two authorities differ; these can be compared. */
export const UNKNOWN = 'a key that is not known';
export const MISSING = 'a required key is missing';
export const VALUE = 'a value that is not allowed';

export class Authority {
  #ajv = new Ajv({ allErrors: true, strict: false, verbose: true });
  #root;
  #nameOf;
  #compiled = new Map();

  /** `root` holds all schemas; `nameOf` says the reference of an event and action. */
  constructor(name, root, nameOf) {
    this.name = name;
    this.#root = root;
    this.#nameOf = nameOf;
    addFormats(this.#ajv);
    this.#ajv.addSchema(root, 'authority');
  }

  /** What it finds wrong with a payload: `{ place, what, text }`, each once. */
  judge(event, payload) {
    const schema = { $ref: this.#nameOf(event, payload.action) };
    if (!this.#resolve(schema)) throw new Error(`${this.name} has no schema for ${event} ${payload.action}`);
    const found = [...this.#errors(schema, payload, '')];
    this.#unknown([schema], payload, '', found);
    return [...new Map(found.map((one) => [`${one.place} ${one.what}`, one])).values()];
  }

  #errors(schema, value, above) {
    const validate = this.#validator(schema);
    if (validate(value)) return [];
    const choices = validate.errors.filter(({ keyword }) => keyword === 'oneOf' || keyword === 'anyOf');
    const inChoice = (place) => choices.some(({ instancePath }) => place === instancePath || place.startsWith(`${instancePath}/`));
    const plain = validate.errors.filter(({ keyword, instancePath }) => !inChoice(instancePath) && keyword !== 'additionalProperties');
    const outer = choices.filter(({ instancePath: place }) => !choices.some((other) => place.startsWith(`${other.instancePath}/`)));
    return [...plain.map((error) => finding(error, above)), ...outer.flatMap((error) => this.#nearest(error, above))];
  }

  #validator(schema) {
    // A schema that is compiled alone refers to the others by the name of all.
    const alone = JSON.stringify(schema).replaceAll('"$ref":"#/', '"$ref":"authority#/');
    if (!this.#compiled.has(alone)) this.#compiled.set(alone, this.#ajv.compile(JSON.parse(alone)));
    return this.#compiled.get(alone);
  }

  /** What is wrong by the alternative that the value comes nearest to. */
  #nearest({ schema, data, instancePath }, above) {
    const place = above + generic(instancePath);
    const tries = schema.map((alternative) => this.#errors(alternative, data, place)).sort((a, b) => a.length - b.length);
    return tries[0].length > 0 ? tries[0] : [{ place, what: VALUE, text: 'it is more than one of the alternatives' }];
  }

  /** The values that it allows at a place of an event: `['workflow_run', 'conclusion']`. */
  values(event, action, place) {
    let parts = this.#parts({ $ref: this.#nameOf(event, action) });
    for (const key of place) parts = parts.flatMap((part) => (part.properties?.[key] ? this.#parts(part.properties[key]) : []));
    return [...new Set(parts.flatMap((part) => part.enum ?? []))];
  }

  /** Keys that none of the schemas at this place knows. */
  #unknown(schemas, value, place, found) {
    if (value === null || typeof value !== 'object') return;
    const parts = schemas.flatMap((schema) => this.#parts(schema));
    if (Array.isArray(value)) {
      const items = parts.flatMap((part) => part.items ?? []);
      for (const item of value) this.#unknown(items, item, `${place}/*`, found);
      return;
    }
    const named = parts.filter((part) => part.properties);
    const open = named.length === 0 || parts.some((part) => part.additionalProperties && part.additionalProperties !== false);
    for (const [key, inner] of Object.entries(value)) {
      const known = named.flatMap((part) => part.properties[key] ?? []);
      if (known.length > 0) this.#unknown(known, inner, `${place}/${key}`, found);
      else if (!open) found.push({ place: `${place}/${key}`, what: UNKNOWN, text: JSON.stringify(inner) });
    }
  }

  /** A schema with everything that it is made of. */
  #parts(schema) {
    const whole = this.#resolve(schema);
    const inner = ['allOf', 'anyOf', 'oneOf'].flatMap((keyword) => whole?.[keyword] ?? []);
    return whole ? [whole, ...inner.flatMap((part) => this.#parts(part))] : [];
  }

  #resolve(schema) {
    if (!schema?.$ref) return schema;
    const steps = schema.$ref.replace(/^#\//, '').split('/');
    return this.#resolve(steps.reduce((at, step) => at?.[step], this.#root));
  }
}

function finding({ instancePath, keyword, params, message, data }, above) {
  const place = above + generic(instancePath);
  if (keyword === 'required') return { place: `${place}/${params.missingProperty}`, what: MISSING, text: '' };
  const allowed = params.allowedValues ? `: ${params.allowedValues.join(', ')}` : '';
  return { place, what: VALUE, text: `${JSON.stringify(data)} ${message}${allowed}` };
}

/** The place without numbers: what is wrong with all elements of a list is said once. */
function generic(place) {
  return place.replace(/\/\d+(?=\/|$)/g, '/*');
}

/** The schemas that the community keeps: any other key is an error to them. */
export function webhooksSchemas() {
  const { definitions } = require('@octokit/webhooks-schemas/schema.json');
  return new Authority('webhooks-schemas', { definitions }, (event, action) => `#/definitions/${event}$${action}`);
}

/** GitHub's own description of its deliveries. */
export function openapi() {
  const description = require('@octokit/openapi/generated/api.github.com.json');
  const { schemas } = description.components;
  const hooks = description['x-webhooks'];
  const schemaOf = (key) => hooks[key]?.post.requestBody.content['application/json'].schema.$ref;
  const starts = Object.keys(hooks).filter((key) => /^workflow-(run|job)-/.test(key));
  const root = { components: { schemas: reachable(schemas, starts.map(schemaOf)) } };
  const nameOf = (event, action) => schemaOf(`${event}-${action}`.replaceAll('_', '-'));
  const authority = new Authority('openapi', root, nameOf);
  // The header fields that every delivery has, and those of the delivery that the description shows.
  const parameters = hooks['workflow-run-completed'].post.parameters.map(({ name }) => name);
  const shown = Object.keys(description.components.examples['hook-delivery'].value.request.headers);
  authority.headers = { parameters, shown };
  return authority;
}

/** The components that these references lead to, as JSON Schema. */
function reachable(schemas, references) {
  const found = {};
  const waiting = [...references];
  while (waiting.length > 0) {
    const name = waiting.pop().split('/').pop();
    if (found[name]) continue;
    found[name] = withNull(schemas[name]);
    JSON.stringify(found[name], (key, value) => {
      if (key === '$ref') waiting.push(value);
      return value;
    });
  }
  return found;
}

/** OpenAPI 3.0 says `nullable`; JSON Schema has a type for it. */
function withNull(node) {
  if (node === null || typeof node !== 'object') return node;
  if (Array.isArray(node)) return node.map(withNull);
  const whole = Object.fromEntries(Object.entries(node).map(([key, inner]) => [key, withNull(inner)]));
  if (whole.nullable !== true) return whole;
  const { nullable: _, ...rest } = whole;
  if (typeof rest.type !== 'string') return { anyOf: [rest, { type: 'null' }] };
  return { ...rest, type: [rest.type, 'null'], ...(rest.enum && { enum: [...new Set([...rest.enum, null])] }) };
}
