// GitHub's and Port's own API descriptions against everything that the component, the host and the simulators say while
// the project's tests run: each exchange of each simulator, as it went over the wire.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { header } from '../descriptions/description.mjs';
import { GITHUB_VERSIONS, githubDescriptions, portDescription } from '../descriptions/documents.mjs';
import { exchanges } from '../descriptions/exchanges.mjs';
import { traffic } from '../descriptions/traffic.mjs';

export const title = 'official API descriptions, on every request of ours and every simulated answer';

/** What our own clients call themselves. Everybody else is a test that may be rude on purpose: only its answers count. */
const OURS = /^(ocean-github-workflow|host-harness|port-ocean)\//;

export async function judge(bench) {
  const folder = join(bench.folder, 'exchanges');
  await mkdir(folder, { recursive: true });
  for (const { name, run } of traffic(bench, folder)) await bench.case(name, run);

  const github = await githubDescriptions();
  const port = await portDescription(bench);
  if (!port) bench.verdict.skip("Port's part", 'its API description is not on this machine; PORT_OPENAPI names the file');
  const seen = new Map();
  for await (const exchange of exchanges(folder)) {
    // A scripted server plays services that nobody describes.
    if (exchange.service === 'server') continue;
    const description = exchange.service === 'port' ? port : github.get(header(exchange.headers, 'x-github-api-version') ?? GITHUB_VERSIONS[0]);
    if (description) look(exchange, description, bench.verdict, seen);
  }
  await bench.case('each operation was seen to succeed', () => complete(seen, port ? ['github', 'port'] : ['github']));
}

/** Operations of Port at paths that read like those of a run with a strange id. */
const UNPUBLISHED = new Set(['claim', 'ack']);

function look(exchange, description, verdict, seen) {
  const ours = OURS.test(header(exchange.headers, 'user-agent') ?? '');
  const route = UNPUBLISHED.has(exchange.operation) ? undefined : description.find(exchange);
  if (!route) {
    const place = `${exchange.service} ${exchange.operation}`;
    if (ours || exchange.operation !== 'unknown') verdict.difference(place, 'this operation is not described', `${exchange.method} ${exchange.path}`);
    return;
  }
  const place = `${exchange.service} ${route.name}`;
  const { status } = exchange;
  if (ours) settle(verdict, `${place} request`, description.request(route, exchange), exchange, exchange.body);
  if (status === null || exchange.injected || exchange.operation === 'unknown') return;
  settle(verdict, `${place} ${status}`, description.response(route, exchange), exchange, exchange.responseBody);
  if (status < 400) seen.set(place, (seen.get(place) ?? 0) + 1);
}

function settle(verdict, where, problems, exchange, body) {
  if (problems.length === 0) verdict.pass();
  for (const { place, text } of problems) {
    const example = `${exchange.method} ${exchange.path}${exchange.query ? `?${exchange.query}` : ''}\n${body.slice(0, 600)}`;
    verdict.difference(place ? `${where} ${place}` : where, text, example);
  }
}

/** What the judge has to have seen; otherwise it has judged nothing. */
const OPERATIONS = {
  github: [
    'repos/get', 'repos/get-content', 'git/get-ref', 'rate-limit/get', 'meta/get',
    'actions/list-repo-workflows', 'actions/get-workflow', 'actions/create-workflow-dispatch', 'actions/list-workflow-runs',
    'actions/get-workflow-run', 'actions/get-workflow-run-attempt', 'actions/list-jobs-for-workflow-run',
    'actions/list-jobs-for-workflow-run-attempt', 'actions/cancel-workflow-run', 'actions/re-run-workflow',
    'apps/get-authenticated', 'apps/list-installations', 'apps/get-org-installation', 'apps/create-installation-access-token',
  ],
  port: [
    'POST /v1/auth/access_token', 'PATCH /v1/actions/runs/{run_id}', 'GET /v1/actions/runs/{run_id}', 'GET /v1/actions/runs',
    'POST /v1/actions/runs/{run_id}/logs', 'GET /v1/integration/{identifier}',
  ],
};

function complete(seen, services) {
  const missing = services.flatMap((service) => OPERATIONS[service].map((name) => `${service} ${name}`)).filter((place) => !seen.has(place));
  if (missing.length > 0) throw new Error(`not seen: ${missing.join(', ')}; seen: ${[...seen.keys()].join(', ')}`);
}
