// How a refusal reaches the user of the official client: as its error, with GitHub's words, and with the page of
// GitHub's documentation that its own API description names.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { RequestError } from '@octokit/request-error';

export class Refusals {
  #bench;
  #pages;

  constructor(bench, pages) {
    this.#bench = bench;
    this.#pages = pages;
  }

  static async open(bench) {
    const file = createRequire(import.meta.url).resolve('@octokit/openapi/generated/api.github.com.json');
    const { paths } = JSON.parse(await readFile(file, 'utf8'));
    return new Refusals(bench, (method, path) => paths[path][method.toLowerCase()].externalDocs.url);
  }

  /** `call` is one of the client's methods; `page` is the page that the error has to name, by default the method's own. */
  async expect(name, call, parameters, status, message, { page, type = 'token' } = {}) {
    const { method, url } = call.endpoint.DEFAULTS;
    const error = await this.#bench.case(`${name}: ${status} ${message.replace(/\s+/g, ' ')} (${type})`, async () => {
      const error = await call(parameters).then(() => undefined, (error) => error);
      assert.ok(error instanceof RequestError, `not refused, but ${error}`);
      const { data } = error.response;
      assert.deepEqual([error.status, data.message, data.status], [status, message, `${status}`]);
      assert.ok(error.message.startsWith(message), error.message);
      return error;
    });
    if (!error) return;
    const wanted = page ?? this.#pages(method, url);
    const named = error.response.data.documentation_url;
    if (named !== wanted) this.#bench.verdict.difference(`${method} ${url} ${status} /documentation_url`, `${named} and not ${wanted}`);
  }
}
