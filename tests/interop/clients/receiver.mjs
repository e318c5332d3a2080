// A plain receiver of webhooks: takes every delivery, and keeps its bytes and header fields.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { until } from '../bench/until.mjs';

export class Receiver {
  /** `{ path, headers, body }`, in the order in which they came. */
  deliveries = [];
  /** The status that it answers. */
  answer = 202;

  /** Listens on a free port of loopback. What it has received so far can be asked for with a GET. */
  static async listen() {
    const receiver = new Receiver();
    receiver.server = createServer((request, response) => receiver.#take(request, response)).listen(0, '127.0.0.1');
    await once(receiver.server, 'listening');
    receiver.url = `http://127.0.0.1:${receiver.server.address().port}/hook`;
    return receiver;
  }

  /** A further address of it. */
  at(path) {
    return new URL(path, this.url).href;
  }

  /** Waits until that many deliveries match, and returns them. */
  async wait(what, matches, count = 1) {
    return await until(what, () => {
      const found = this.deliveries.filter(matches);
      return found.length >= count ? found : undefined;
    });
  }

  async close() {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  async #take(request, response) {
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(this.deliveries));
      return;
    }
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    this.deliveries.push({ path: request.url, headers: request.headers, body: Buffer.concat(chunks).toString('utf8') });
    response.writeHead(this.answer);
    response.end();
  }
}
