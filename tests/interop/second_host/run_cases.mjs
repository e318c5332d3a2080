// Runs from the button to their end.

import assert from 'node:assert/strict';
import { attempt, portRun } from './stage.mjs';

export async function runCases(stage) {
  const { bench } = stage;
  await bench.case('plan: tells partition key, report and target, and sends nothing', () => plans(stage));
  await bench.case('dispatch, handle-webhook, check: a workflow that succeeds is a run that succeeds', () => succeeds(stage));
  await bench.case('handle-webhook: a workflow that fails is a failure that names its job, in both hosts', () => fails(stage));
  await bench.case('check, cancel: a run that goes on is cancelled and says so', () => isCancelled(stage));
  await bench.case('handle-webhook: a delivery that concerns no run is no news', async () => {
    const headers = [{ name: 'x-github-event', value: Buffer.from('ping') }];
    const ping = { id: '1', headers, body: Buffer.from('{"zen": "Keep it logically awesome."}'), received: 0n };
    assert.deepEqual(await stage.plugin.call('handleWebhook', stage.installation, ping), { ok: [] });
  });
  await bench.case('check: an id that the component has not given is refused', async () => {
    const { err } = await stage.plugin.call('check', stage.installation, portRun(), '17');
    assert.deepEqual([err.kind.tag, err.code], ['invalid-parameters', 'invalid-external-run-id']);
  });
}

async function plans(stage) {
  const before = (await stage.requests()).length;
  const call = (properties) => stage.plugin.call('plan', stage.installation, portRun(properties));
  const { ok: plan } = await call({ ref: 'main' });
  assert.equal(plan.reportStatus, true);
  assert.equal(plan.target, 'acme/shop · deploy.yml @ main');
  // Runs of one workflow share a key, those of another have one of their own.
  assert.equal((await call({ ref: 'release' })).ok.partitionKey, plan.partitionKey);
  assert.notEqual((await call({ workflow: 'long.yml' })).ok.partitionKey, plan.partitionKey);
  assert.equal((await call({ reportWorkflowStatus: false })).ok.reportStatus, false);
  assert.equal((await call({ workflow: undefined })).err.kind.tag, 'invalid-parameters');
  assert.equal((await stage.requests()).length, before);
}

/** Starts a run for good. Returns it with its external id. */
async function started(stage, properties) {
  const run = portRun(properties);
  const { ok, err } = await stage.plugin.call('dispatch', stage.installation, run, attempt());
  assert.equal(err, undefined);
  stage.known.push(ok.externalRunId);
  const id = Number(/^gh_\d+_\d+_(\d+)$/.exec(ok.externalRunId)[1]);
  assert.equal(JSON.parse(ok.output).workflowRunId, id);
  assert.ok(ok.link.endsWith(`/acme/shop/actions/runs/${id}`), ok.link);
  return { run, id, external: ok.externalRunId };
}

/** The delivery that tells of this action of a workflow run, and what the component makes of it. */
async function news(stage, { id, external }, action) {
  const delivery = await stage.deliveries.find((body) => body.workflow_run?.id === id && body.action === action);
  const answer = await stage.plugin.call('handleWebhook', stage.installation, delivery);
  assert.equal(answer.ok?.length, 1, JSON.stringify(answer));
  const [update] = answer.ok;
  assert.deepEqual([update.externalRunId, update.attempt], [external, 1]);
  return { delivery, answer, update };
}

async function succeeds(stage) {
  const before = (await stage.requests()).length;
  const { run, id, external } = await started(stage, { workflowInputs: { environment: 'production' } });
  const sent = (await stage.requests()).slice(before);
  assert.deepEqual(sent.map(({ method, path }) => `${method} ${path}`), [
    'GET /repos/acme/shop',
    'POST /repos/acme/shop/actions/workflows/deploy.yml/dispatches',
  ]);
  assert.deepEqual(sent[1].body.inputs, { environment: 'production' });
  assert.equal((await news(stage, { id, external }, 'in_progress')).update.change.tag, 'progress');
  const { delivery, answer, update } = await news(stage, { id, external }, 'completed');
  assert.deepEqual([update.change.tag, update.change.val.outcome, update.change.val.conclusion], ['completed', 'success', 'success']);
  const again = await stage.plugin.call('handleWebhook', stage.installation, delivery);
  assert.deepEqual(again, answer, 'a redelivery says the same');
  const checked = await stage.plugin.call('check', stage.installation, run, external);
  assert.deepEqual(checked, answer, 'and so does a check');
  const { err } = await stage.plugin.call('cancel', stage.installation, run, external);
  assert.deepEqual([err.kind.tag, err.code], ['rejected', 'already-completed']);
}

async function fails(stage) {
  const one = await started(stage, { workflow: 'broken.yml' });
  const { delivery, update } = await news(stage, one, 'completed');
  const { outcome, conclusion, summary } = update.change.val;
  assert.deepEqual([outcome, conclusion], ['failure', 'failure']);
  assert.match(summary, /Job \[unit tests\]\(.*\) failed/);
  const asked = (await stage.requests()).map(({ path }) => path);
  assert.ok(asked.includes(`/repos/acme/shop/actions/runs/${one.id}/attempts/1/jobs`));
  const ours = await stage.ours('webhook', ['--event', 'workflow_run', '--body', 'body.json'], { 'body.json': delivery.body });
  assert.deepEqual([printed(update)], ours.updates);
}

async function isCancelled(stage) {
  const one = await started(stage, { workflow: 'long.yml' });
  const { ok: [standing] } = await stage.plugin.call('check', stage.installation, one.run, one.external);
  assert.equal(standing.change.tag, 'progress');
  assert.deepEqual(await stage.plugin.call('cancel', stage.installation, one.run, one.external), { ok: undefined });
  const { update } = await news(stage, one, 'completed');
  assert.equal(update.change.val.outcome, 'cancelled');
}

/** News as our own host prints it. */
function printed({ change, ...update }) {
  const value = change.tag === 'completed' ? { ...change.val, output: JSON.parse(change.val.output) } : change.val;
  return { ...update, change: { [change.tag]: value } };
}
