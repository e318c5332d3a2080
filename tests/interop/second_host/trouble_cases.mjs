// What each kind of failure lets a host do, with a server that is in trouble.

import assert from 'node:assert/strict';
import { start } from './start.mjs';
import { attempt, portRun } from './stage.mjs';

/** How long the silent server is listened to, in milliseconds. */
const PATIENCE = 1500;

export async function troubleCases(stage) {
  const { bench } = stage;
  await bench.case('a server that cannot be reached is unavailable, and nothing was sent', () => unreachable(stage));
  await bench.case('a server that is reached again gets the request then', () => reachedAgain(stage));
  await bench.case('a credential that the server does not take is unauthorized, and tried once more', () => unauthorized(stage));
  for (const [name, status, headers, message, isPause] of LIMITS) {
    await bench.case(`${name} is a rate limit, and the run starts after it`, () => limited(stage, status, headers(), message, isPause));
  }
  await bench.case('an answer that breaks off is not taken for a whole one', () => brokenOff(stage));
  // These take seconds each, since the component looks twice; each has a workflow of its own.
  await Promise.all([
    ...LOST.map(([name, workflow, behave]) =>
      bench.case(`${name} is ambiguous, and attempt 2 adopts the run`, () => adopted(stage, workflow, behave))),
    bench.case('attempt 2 that finds no run starts none', () => nothingFound(stage)),
    bench.case('attempt 2 that cannot tell several runs apart starts none', () => severalFound(stage)),
    bench.case('a server that tells no run ids is logged, and the run is found', () => oldServer(stage)),
  ]);
}

/** `start` without the waiting: the pauses are kept. */
async function startAt(stage, { plugin, installation }, properties) {
  const pauses = [];
  const wait = async (seconds) => pauses.push(seconds);
  const answer = await start(plugin, installation, portRun(properties), { taken: () => stage.known, wait });
  return { ...answer, pauses };
}

async function unreachable(stage) {
  const { front, plugin, installation } = await stage.front();
  front.close();
  const { err } = await plugin.call('dispatch', installation, portRun(), attempt());
  assert.deepEqual([err.kind.tag, err.code, err.requestSent], ['unavailable', 'not-reached', false]);
}

async function reachedAgain(stage) {
  const at = await stage.front();
  at.front.answer('GET', 503, {}, 'Service Unavailable');
  const { ok, pauses } = await startAt(stage, at);
  stage.known.push(ok.externalRunId);
  assert.deepEqual([pauses, at.front.dispatches], [[2], 1]);
}

async function unauthorized(stage) {
  // A server of its own, since it counts a token that it never issued as a violation.
  const { apiUrl, program } = await stage.bench.simulateGithub();
  const at = { plugin: stage.pluginAt(apiUrl, { token: 'revoked' }), installation: stage.installationAt(apiUrl) };
  const { err, pauses } = await startAt(stage, at);
  assert.deepEqual([err.kind.tag, err.code, err.requestSent], ['unauthorized', 'bad-credentials', false]);
  await program.stop();
  const sent = program.json.filter(({ method }) => method);
  assert.deepEqual([pauses, sent.map(({ method, status }) => `${method} ${status}`)], [[0], ['GET 401', 'GET 401']]);
}

const LIMITED = 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.';
const inHalfAMinute = () => String(Math.floor(Date.now() / 1000) + 30);

const LIMITS = [
  ['429 with a time', 429, () => ({ 'retry-after': '7' }), 'Too many requests', (pause) => pause === 7],
  ['403 with the words of the secondary limit and no time', 403, () => ({}), LIMITED, (pause) => pause === 60],
  [
    '403 with an exhausted quota',
    403,
    () => ({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': inHalfAMinute() }),
    'API rate limit exceeded for installation ID 1.',
    (pause) => pause >= 28 && pause <= 31,
  ],
];

async function limited(stage, status, headers, message, isPause) {
  const at = await stage.front();
  at.front.answer('POST', status, headers, message);
  const { ok, pauses } = await startAt(stage, at);
  stage.known.push(ok.externalRunId);
  assert.equal(at.front.dispatches, 2, 'refused once, then accepted');
  assert.ok(pauses.length === 1 && isPause(pauses[0]), `paused ${pauses}`);
}

// Each of them lets the server behind start the run, and loses its answer.
const LOST = [
  ['a connection that is cut', 'cut.yml', (response) => response.destroy()],
  ['an answer that never comes', 'silent.yml', () => {}],
  ['a gateway error', 'gateway.yml', (response) => response.writeHead(502).end('<html>Bad Gateway</html>')],
  ['half of an answer', 'half.yml', (response) => halfOf(response, '{"workflow_run_id": 2')],
];

function halfOf(response, text) {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '500' });
  response.write(text, () => response.destroy());
}

async function adopted(stage, workflow, behave) {
  const at = await stage.front({ patience: PATIENCE });
  const lost = {};
  at.front.instead('POST', async (response, ask) => {
    Object.assign(lost, await (await ask()).json());
    behave(response);
  });
  const { ok, err, pauses } = await startAt(stage, at, { workflow });
  assert.equal(err, undefined);
  assert.ok(ok.externalRunId.endsWith(`_${lost.workflow_run_id}`), `${ok.externalRunId} is not ${lost.workflow_run_id}`);
  assert.deepEqual([pauses, at.front.dispatches], [[2], 1]);
}

async function nothingFound(stage) {
  const { front, plugin, installation } = await stage.front({ settings: { 'discovery-seconds': 1 } });
  const { err } = await plugin.call('dispatch', installation, portRun({ workflow: 'idle.yml' }), attempt(2));
  assert.deepEqual([err.kind.tag, err.code], ['ambiguous', 'run-not-discovered']);
  assert.equal(front.dispatches, 0);
}

async function severalFound(stage) {
  const { front, plugin, installation } = await stage.front({ settings: { 'discovery-seconds': 1 } });
  const { err } = await plugin.call('dispatch', installation, portRun(), attempt(2));
  assert.deepEqual([err.kind.tag, err.code], ['ambiguous', 'several-runs-discovered']);
  assert.equal(front.dispatches, 0);
}

async function brokenOff(stage) {
  const { front, plugin, installation } = await stage.front();
  front.instead('GET', (response) => halfOf(response, '{"id": 1, "name": "sh'));
  const { err } = await plugin.call('dispatch', installation, portRun(), attempt());
  assert.deepEqual([err.kind.tag, err.code], ['unavailable', 'unreadable-answer']);
  assert.match(err.message, /incomplete/);
}

async function oldServer(stage) {
  const old = await stage.bench.simulateGithub(['--old-server']);
  const plugin = stage.pluginAt(old.apiUrl, { token: old.token });
  const { ok } = await plugin.call('dispatch', stage.installationAt(old.apiUrl), portRun(), attempt());
  assert.match(ok.externalRunId, /^gh_\d+_\d+_\d+$/);
  assert.deepEqual(plugin.log.map(({ level }) => level), ['info']);
  assert.match(plugin.log[0].message, /does not tell the ids of runs/);
  assert.equal(await old.program.stop(), 0, old.program.lines.at(-1));
}
