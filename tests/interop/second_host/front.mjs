// A server in front of the simulated GitHub that can get in the way.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';

export class Front {
  /** All requests: `{ method, path, headers }`. */
  seen = [];
  #server;
  #instead = new Map();

  static async open(behind) {
    const front = new Front();
    front.#server = createServer((request, response) => front.#receive(request, response, behind));
    await once(front.#server.listen(0, '127.0.0.1'), 'listening');
    front.url = `http://127.0.0.1:${front.#server.address().port}`;
    return front;
  }

  /** What becomes of the next request with this method. `behave` gets the response and a way to ask the server behind. */
  instead(method, behave) {
    this.#instead.set(method, behave);
  }

  /** The next request with this method is answered so. */
  answer(method, status, headers, message) {
    this.instead(method, (response) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify({ message }));
    });
  }

  /** How many requests to start a workflow have come. */
  get dispatches() {
    return this.seen.filter(({ method, path }) => method === 'POST' && path.endsWith('/dispatches')).length;
  }

  close() {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #receive(request, response, behind) {
    const { method, url: path, rawHeaders } = request;
    const headers = rawHeaders.flatMap((name, at) => (at % 2 ? [] : [[name.toLowerCase(), rawHeaders[at + 1]]]));
    this.seen.push({ method, path, headers });
    const body = await buffer(request);
    const ask = () => fetch(behind + path, {
      method,
      headers: headers.filter(([name]) => !['host', 'connection', 'content-length'].includes(name)),
      body: body.length ? body : undefined,
      redirect: 'manual',
    });
    const behave = this.#instead.get(method) ?? forward;
    this.#instead.delete(method);
    await behave(response, ask);
  }
}

async function forward(response, ask) {
  const answer = await ask();
  const headers = [...answer.headers].filter(([name]) => !['connection', 'transfer-encoding', 'content-length'].includes(name));
  response.writeHead(answer.status, headers).end(Buffer.from(await answer.arrayBuffer()));
}
