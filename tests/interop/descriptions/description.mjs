// One API description (OpenAPI), ready to judge exchanges: finds the operation, and holds what was sent against it.
//
// Stricter than OpenAPI itself: a key or a query parameter that is not described counts as wrong, because that is what
// an invention or a misspelling looks like.

import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { asJsonSchema } from './schema.mjs';
import { routes } from './routes.mjs';
import { sentences } from './sentences.mjs';
import { inVersion } from './versions.mjs';

export class Description {
  #document;
  #errors;
  #routes;
  #ajv = new Ajv({ strict: false, allErrors: true, logger: false });
  #validators = new Map();

  /**
   * `document`: an OpenAPI document. `version`: of the API, where the document describes several. `errors`: the answer
   * that stands for errors whose status an operation does not describe.
   */
  constructor(document, { version, errors }) {
    this.#document = document;
    this.#errors = jsonOf(errors);
    this.#routes = routes(document, (operation) => inVersion(operation, version));
    addFormats(this.#ajv);
    // GitHub writes templates into some: https://api.github.com/users/octocat/following{/other_user}.
    this.#ajv.addFormat('uri', (text) => URL.canParse(text.replaceAll(/\{[^}]*\}/g, '')));
  }

  /** The operation that a request is for, or nothing. */
  find({ method, path }) {
    for (const route of this.#routes) {
      const match = route.method === method.toLowerCase() && route.pattern.exec(path);
      if (match) return { name: route.name, names: route.names, ...route.described(), values: match.slice(1).map(decodeURIComponent) };
    }
    return undefined;
  }

  /** What is wrong with a request: `[{ place, text }]`. */
  request(route, exchange) {
    return [...this.#parameters(route, exchange), ...this.#requestBody(route, exchange)];
  }

  /** What is wrong with a response. */
  response(route, exchange) {
    const { status, responseBody } = exchange;
    const described = route.operation.responses[status] ?? route.operation.responses.default;
    const problems = described ? [] : [{ place: '', text: 'this status is not described' }];
    const schema = described ? jsonOf(described) : status >= 400 ? this.#errors : undefined;
    if (!schema) return responseBody === '' ? problems : [...problems, { place: '', text: 'a body is not described' }];
    const type = header(exchange.responseHeaders, 'content-type') ?? '';
    if (!/^application\/(json|scim\+json|problem\+json)\b/.test(type)) {
      problems.push({ place: 'content-type', text: `it is ${JSON.stringify(type)} and not JSON` });
    }
    return [...problems, ...this.#body(`${route.name} ${status}`, schema, responseBody)];
  }

  #parameters({ name, parameters, values, names }, exchange) {
    const query = new URLSearchParams(exchange.query ?? '');
    const problems = [];
    for (const key of new Set(query.keys())) {
      const described = parameters.some((parameter) => parameter.in === 'query' && [key, `${key}[]`].includes(parameter.name));
      if (!described) problems.push({ place: `query ${key}`, text: 'this parameter is not described' });
    }
    for (const parameter of parameters) {
      const place = `${parameter.in} ${parameter.name}`;
      const given = {
        path: () => [values[names.indexOf(parameter.name)]],
        query: () => query.getAll(parameter.name),
        header: () => [header(exchange.headers, parameter.name)].filter((value) => value !== undefined),
      }[parameter.in]();
      if (given.length === 0) {
        if (parameter.required) problems.push({ place, text: 'this parameter is required' });
        continue;
      }
      const readings = readingsOf(given, parameter.schema.type === 'array');
      problems.push(...this.#text(`${name} ${place}`, parameter.schema, readings).map((text) => ({ place, text })));
    }
    return problems;
  }

  #requestBody({ name, operation }, exchange) {
    const described = operation.requestBody;
    if (exchange.body === '') return described?.required ? [{ place: 'body', text: 'a body is required' }] : [];
    if (!described) return [{ place: 'body', text: 'a body is not described' }];
    const type = header(exchange.headers, 'content-type') ?? '';
    if (!type.startsWith('application/json')) return [{ place: 'content-type', text: `it is ${JSON.stringify(type)} and not JSON` }];
    return this.#body(`${name} request`, jsonOf(described), exchange.body);
  }

  #body(key, schema, text) {
    let value;
    try {
      value = JSON.parse(text);
    } catch (error) {
      return [{ place: '', text: `the body is not JSON: ${error.message}` }];
    }
    const validate = this.#validator(key, schema);
    return validate(value) ? [] : sentences(validate.errors);
  }

  /** A value that came as text is right if one of the ways to read it is. */
  #text(key, schema, readings) {
    const validate = this.#validator(key, schema);
    if (readings.some((reading) => validate(reading))) return [];
    validate(readings[0]);
    return sentences(validate.errors).map(({ text }) => text);
  }

  #validator(key, schema) {
    let validate = this.#validators.get(key);
    if (!validate) {
      validate = this.#ajv.compile(asJsonSchema(schema, this.#document));
      this.#validators.set(key, validate);
    }
    return validate;
  }
}

/** First value of a header in `[[name, value], …]`. */
export function header(headers, name) {
  return headers.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
}

function jsonOf(described) {
  const content = Object.entries(described.content ?? {}).find(([type]) => /\bjson\b/.test(type));
  return content?.[1].schema;
}

function readingsOf(given, isArray) {
  const one = (text) => (/^(-?\d+|true|false)$/.test(text) ? [text, JSON.parse(text)] : [text]);
  if (!isArray) return one(given[0]);
  return [given, given.map((text) => one(text).at(-1))];
}
