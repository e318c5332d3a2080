// A whole demo with a validating proxy between the host and each simulator: what another implementation of the same
// official descriptions makes of our exchanges, and whether everything works with a proxy in between.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../bench/free_port.mjs';
import { githubDocument, portDocument } from '../descriptions/documents.mjs';
import { front } from '../proxy/front.mjs';
import { prism } from '../proxy/prism.mjs';

export const title = 'Prism, a validating proxy, in front of both simulators for a whole demo';

export async function judge(bench) {
  const documents = { github: part(await githubDocument()), port: await portDocument(bench) };
  if (!documents.port) bench.verdict.skip("Port's part", 'its API description is not on this machine; PORT_OPENAPI names the file');
  const seen = { github: 0, port: 0 };
  const fronts = [];
  const options = [];
  for (const [service, document] of Object.entries(documents).filter(([, document]) => document)) {
    const file = join(bench.folder, `${service}.json`);
    await writeFile(file, JSON.stringify(document));
    const simulator = `127.0.0.1:${await freePort()}`;
    const proxy = await front(await prism(bench, file, `http://${simulator}`), (exchange) => {
      seen[service] += 1;
      note(bench.verdict, service, exchange);
    });
    fronts.push(proxy);
    options.push(`--${service}-listen`, simulator, `--${service}-through`, proxy.url);
  }
  await bench.case('the demo ends as it should with a proxy in between', async () => {
    const { code, stdout, stderr } = await bench.run(['demo', '--output', 'json', ...options]);
    assert.equal(code, 0, `${stdout}\n${stderr}`);
  });
  await bench.case("the demo's requests went through the proxy", () => {
    assert.ok(seen.github > 10, `${seen.github} to GitHub`);
    assert.ok(!documents.port || seen.port > 50, `${seen.port} to Port`);
  });
  for (const proxy of fronts) proxy.close();
}

function note(verdict, service, { method, path, violations }) {
  if (violations.length === 0) verdict.pass();
  for (const { location, message } of violations) {
    verdict.difference(`${service} ${method} ${general(path)} ${location.join('.')}`, message, path);
  }
}

/** The path without what differs from run to run. */
function general(path) {
  return path
    .replace(/\?.*/, '')
    .replaceAll(/\b(r|wfnr)_[^/]+/g, '{id}')
    .replaceAll(/\/\d+\b/g, '/{id}');
}

/** What the demo can ask for; the whole description takes Prism a minute to read. */
function part(document) {
  const paths = Object.entries(document.paths).filter(([path]) => /^\/repos\/\{owner\}\/\{repo\}($|\/actions\/(runs|workflows)|\/check-runs|\/environments|\/contents)/.test(path));
  return { ...document, paths: Object.fromEntries(paths), 'x-webhooks': undefined };
}
