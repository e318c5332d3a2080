// A receiver of webhooks as others build it: GitHub's own toolset checks the signature and reads the delivery.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { createNodeMiddleware, Webhooks } from '@octokit/webhooks';

export class Receiver {
  /** What came at `/signed`: `{ headers, raw, payload, status, heard }`; `heard` is what the toolset gave its listener. */
  signed = [];
  /** What came at `/unsigned`, which refuses everything: `{ headers, raw }`. */
  unsigned = [];
  #heard = new Map();
  #middleware;
  #server;

  constructor(secret) {
    this.webhooks = new Webhooks({ secret });
    const quiet = { debug() {}, info() {}, warn() {}, error() {} };
    this.#middleware = createNodeMiddleware(this.webhooks, { path: '/signed', log: quiet });
    this.webhooks.on(['workflow_run', 'workflow_job'], (event) => this.#heard.set(event.id, event));
    this.#server = createServer((request, response) => this.#take(request, response));
  }

  static async open(secret) {
    const receiver = new Receiver(secret);
    receiver.#server.listen(0, '127.0.0.1');
    await once(receiver.#server, 'listening');
    return receiver;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  async #take(request, response) {
    const { headers } = request;
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const raw = Buffer.concat(chunks).toString('utf8');
    if (request.url !== '/signed') {
      this.unsigned.push({ headers, raw });
      response.writeHead(500).end();
      return;
    }
    // The toolset takes the body from here when another has read it.
    request.body = raw;
    await this.#middleware(request, response);
    const heard = this.#heard.get(headers['x-github-delivery']);
    this.signed.push({ headers, raw, payload: JSON.parse(raw), status: response.statusCode, heard });
  }

  async close() {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }
}
