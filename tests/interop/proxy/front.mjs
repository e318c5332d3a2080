// Stands in front of the validating proxy, passes everything on as it is, and notes what the proxy says of each exchange
// in the header `sl-violations`.

import { once } from 'node:events';
import http from 'node:http';

/** Starts on a free port of loopback. `tell({ method, path, violations })` is called for each exchange. */
export async function front(upstream, tell) {
  const agent = new http.Agent({ keepAlive: true });
  const server = http.createServer((request, response) => {
    const { method, url: path, headers } = request;
    const onward = http.request(new URL(path, upstream), { method, headers, agent }, (answer) => {
      const { 'sl-violations': violations = '[]', ...kept } = answer.headers;
      tell({ method, path, violations: JSON.parse(violations) });
      response.writeHead(answer.statusCode, kept);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close() {
      server.close();
      server.closeAllConnections();
      agent.destroy();
    },
  };
}
