// The receiver of webhooks: checks who sent a delivery and whether anybody wants it, without understanding it.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';

/** Header fields that carry credentials. */
const SECRET = ['authorization', 'proxy-authorization', 'cookie'];

export class Deliveries {
  /** What was taken, as the contract hands it to `handle-webhook`. */
  taken = [];
  #server;
  #waiting = new Set();

  /** `webhooks`: the manifest's. */
  static async listen(webhooks, secret) {
    const deliveries = new Deliveries();
    deliveries.secret = secret;
    deliveries.#server = createServer((request, response) => deliveries.#receive(request, response, webhooks, secret));
    await once(deliveries.#server.listen(0, '127.0.0.1'), 'listening');
    deliveries.url = `http://127.0.0.1:${deliveries.#server.address().port}/`;
    return deliveries;
  }

  /** The first delivery whose body fits, also one that has come already. */
  async find(fits, seconds = 15) {
    const look = () => this.taken.find((delivery) => fits(JSON.parse(Buffer.from(delivery.body))));
    return look() ?? (await new Promise((found, failed) => {
      const timer = setTimeout(() => failed(new Error(`no such delivery within ${seconds} s`)), seconds * 1000);
      const again = () => {
        const delivery = look();
        if (!delivery) return;
        clearTimeout(timer);
        this.#waiting.delete(again);
        found(delivery);
      };
      this.#waiting.add(again);
    }));
  }

  close() {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #receive(request, response, webhooks, secret) {
    const body = await buffer(request);
    const answer = (status) => response.writeHead(status).end();
    if (!isGenuine(webhooks, secret, request.headers, body)) return answer(401);
    if (webhooks.events.includes(request.headers[webhooks.eventHeader])) {
      const headers = Object.entries(request.headers).filter(([name]) => !SECRET.includes(name));
      // A host that must not lose news writes it down here, before it answers.
      this.taken.push({
        id: request.headers[webhooks.deliveryHeader] ?? '',
        headers: headers.map(([name, value]) => ({ name, value: Buffer.from(value) })),
        body: new Uint8Array(body),
        received: BigInt(Date.now()),
      });
    }
    answer(202);
    for (const again of this.#waiting) again();
  }
}

/** Whether the body was signed with the secret, over its bytes as they came, compared in constant time. */
function isGenuine(webhooks, secret, headers, body) {
  if (webhooks.signatureAlgorithm !== 'hmac-sha256') throw new Error(`unknown algorithm ${webhooks.signatureAlgorithm}`);
  const expected = Buffer.from(webhooks.signaturePrefix + createHmac('sha256', secret).update(body).digest('hex'));
  const given = Buffer.from(headers[webhooks.signatureHeader] ?? '');
  return given.length === expected.length && timingSafeEqual(given, expected);
}
