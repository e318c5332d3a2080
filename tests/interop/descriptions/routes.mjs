// From a request's method and path to the operation that describes it.

const METHODS = ['get', 'put', 'post', 'delete', 'patch', 'head'];

/**
 * All operations of a document, the most literal path first: as in any router, a literal segment beats a parameter.
 * `prepare` makes an operation ready; only for those that are asked for, since there are a thousand.
 */
export function routes(document, prepare) {
  return Object.entries(document.paths)
    .flatMap(([template, item]) => METHODS.filter((method) => item[method]).map((method) => route(template, method, item, prepare)))
    .sort((a, b) => a.names.length - b.names.length);
}

function route(template, method, item, prepare) {
  const operation = item[method];
  const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])];
  const names = [...template.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name);
  const pattern = template
    .split(/(\{[^}]+\})/)
    .map((piece) => {
      if (!piece.startsWith('{')) return piece.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&');
      const parameter = parameters.find(({ name }) => name === piece.slice(1, -1));
      return parameter?.['x-multi-segment'] ? '(.+)' : '([^/]+)';
    })
    .join('');
  return {
    name: operation.operationId ?? `${method.toUpperCase()} ${template}`,
    method,
    pattern: new RegExp(`^${pattern}$`),
    names,
    described: once(() => ({
      operation: prepare(operation),
      parameters: prepare(parameters).map((parameter) => ({ schema: {}, ...parameter })),
    })),
  };
}

function once(make) {
  let made;
  return () => (made ??= make());
}
