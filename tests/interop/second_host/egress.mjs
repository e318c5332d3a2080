// The component's way out: WASI HTTP of the preview2 shim, behind the policy and with the credential that the contract
// asks of a host.

import { http } from '@bytecodealliance/preview2-shim';

/** Header fields that a plugin may not set. The shim itself reserves `connection`, `keep-alive` and `host`. */
for (const name of ['authorization', 'proxy-authorization', 'cookie']) http._forbiddenHeaders.add(name);

/** How long the server may be silent, in milliseconds: GitHub cuts its own calls off after ten seconds. */
export const PATIENCE = 35_000;

/**
 * WASI HTTP for one installation. `leaving` is called right before a request leaves that may change something: a host
 * that survives crashes writes that down there.
 */
export function egress({ apiUrl, token, patience = PATIENCE, leaving }) {
  const { origin } = new URL(apiUrl);
  const credential = new TextEncoder().encode(`Bearer ${token}`);
  function handle(request, options = new http.types.RequestOptions()) {
    if (originOf(request) !== origin) throw { tag: 'HTTP-request-denied' };
    add(request, 'authorization', credential);
    // The shim has one timer for connecting and for silence, and this option sets it.
    options.setConnectTimeout(BigInt(patience) * 1_000_000n);
    if (!['get', 'head', 'options'].includes(request.method().tag)) leaving();
    return truthful(http.outgoingHandler.handle(request, options));
  }
  return { outgoingHandler: { handle }, types: http.types };
}

/** Where a request would go. Scheme, host and port are compared as parsed, so that a spelling does not matter. */
function originOf(request) {
  const scheme = { HTTP: 'http', HTTPS: 'https' }[request.scheme()?.tag];
  return URL.parse(`${scheme}://${request.authority()}`)?.origin;
}

/** Adds a header field to a request that the plugin has given away: the shim reads `entries` when it sends. */
function add(request, name, value) {
  const fields = request.headers();
  const entries = [...fields.entries(), [name, value]];
  fields.entries = () => entries;
}

/**
 * The shim calls any silence `connection-timeout`, also after the request has left. A plugin takes that word for a proof
 * that nothing was sent, so it gets the one that leaves it open.
 */
function truthful(future) {
  const get = future.get.bind(future);
  future.get = () => {
    const answer = get();
    if (answer?.val?.val?.tag === 'connection-timeout') answer.val.val = { tag: 'HTTP-response-timeout' };
    return answer;
  };
  return future;
}
