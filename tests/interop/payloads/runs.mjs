// Real runs, dispatched through the host, that nothing but recorded deliveries tells of. Their workflow takes an hour.

import assert from 'node:assert/strict';
import { sign } from '@octokit/webhooks-methods';
import { Octokit } from '@octokit/rest';
import { addressed } from './examples.mjs';
import { FORM, SECRET } from './stage.mjs';

const RUN = { started: 'workflow_job 3 in_progress', jobEnded: 'workflow_job 1 completed', ended: 'workflow_run 1 completed' };
const OPEN = 'workflow_run 0 completed';

export async function runCases(bench, stage, all, runs) {
  const octokit = new Octokit({ auth: stage.github.token, baseUrl: stage.github.apiUrl });
  // Without it, the simulator counts each request as a violation: it takes this client for the host's.
  octokit.hook.before('request', ({ headers }) => void (headers['x-github-api-version'] = '2022-11-28'));
  const repository = (await octokit.repos.get({ owner: 'acme', repo: 'shop' })).data;
  const example = (name) => all.get(`api.github.com ${name}`);
  /** A recorded delivery of this run, signed. */
  const deliver = async (name, run, changes) => {
    const body = JSON.stringify(addressed(example(name), run, changes));
    assert.equal((await stage.deliver(example(name).event, body)).handled, 'news');
  };
  const target = ({ externalRunId, run }) => {
    const [owner, id, number] = externalRunId.split('_').slice(1).map(Number);
    assert.deepEqual([owner, id], [repository.owner.id, repository.id]);
    return { owner: repository.owner, repository, run: number, port: run };
  };
  const [whole, form, foreign, failing, open] = runs.map(target);
  const ended = (run) => stage.until('the run has ended in Port', async () => {
    const shown = await stage.portRun(run.port);
    return shown.status !== 'IN_PROGRESS' && shown;
  });
  await bench.case('a recorded life takes a run from Port to its end', () => life(stage, deliver, whole, ended));
  await bench.case('a delivery as a form ends a run', () => asForm(stage, example(RUN.ended), form, ended));
  await bench.case('a delivery of another repository, owner or run ends nothing', () => strangers(stage, example(RUN.ended), foreign));
  await bench.case('letters beyond ASCII in a delivery do no harm', async () => {
    await deliver(RUN.ended, foreign, { display_title: 'Grüße 🚀 "\u2028"', conclusion: 'cancelled' });
    assert.deepEqual(pick(await ended(foreign)), { status: 'FAILURE', statusLabel: 'Cancelled' });
  });
  await bench.case('a recorded delivery with another conclusion fails a run', async () => {
    await deliver(RUN.ended, failing, { conclusion: 'failure' });
    assert.deepEqual(pick(await ended(failing)), { status: 'FAILURE', statusLabel: 'Failed' });
  });
  await bench.case('a delivery without a conclusion ends a run as GitHub says when asked', async () => {
    await asked(stage, deliver, open, octokit, ended);
  });
}

async function life(stage, deliver, run, ended) {
  await deliver(RUN.started, run);
  await deliver(RUN.jobEnded, run);
  const log = async () => (await stage.portLog(run.port)).join('\n');
  const told = async (text) => stage.until(`Port's log has: ${text}`, async () => (await log()).includes(text));
  await told('Job "Analyze (javascript)" started on GitHub Actions 5.');
  await told('Job "linters" finished: failure after 3 min 18 s.');
  assert.deepEqual(pick(await stage.portRun(run.port)), { status: 'IN_PROGRESS', statusLabel: 'Running' });
  await deliver(RUN.ended, run);
  assert.deepEqual(pick(await ended(run)), { status: 'SUCCESS', statusLabel: 'Succeeded' });
}

async function asForm(stage, { event, ...example }, run, ended) {
  const body = `payload=${encodeURIComponent(JSON.stringify(addressed(example, run))).replaceAll('%20', '+')}`;
  const headers = { 'content-type': FORM };
  const decision = await stage.decide(event, body, await sign(SECRET, body), FORM);
  assert.equal(decision.updates[0].change.completed.outcome, 'success');
  assert.equal((await stage.deliver(event, body, headers)).handled, 'news');
  assert.deepEqual(pick(await ended(run)), { status: 'SUCCESS', statusLabel: 'Succeeded' });
}

async function strangers(stage, { event, ...example }, run) {
  const others = [
    { ...run, owner: { ...run.owner, id: run.owner.id + 1 } },
    { ...run, repository: { ...run.repository, id: run.repository.id + 1 } },
    { ...run, run: run.run + 1 },
  ];
  for (const other of others) {
    assert.equal((await stage.deliver(event, JSON.stringify(addressed(example, other)))).handled, 'early');
  }
  const otherwise = JSON.stringify(addressed(example, run, { event: 'push' }));
  assert.equal((await stage.deliver(event, otherwise)).handled, 'irrelevant');
  assert.equal((await stage.portRun(run.port)).status, 'IN_PROGRESS');
}

/** While GitHub says that it runs, it runs; when GitHub says that it was cancelled, it was. */
async function asked(stage, deliver, run, octokit, ended) {
  await deliver(OPEN, run);
  assert.equal((await stage.portRun(run.port)).status, 'IN_PROGRESS');
  const at = { owner: 'acme', repo: 'shop', run_id: run.run };
  await octokit.actions.cancelWorkflowRun(at);
  await stage.until('the run is cancelled', async () => (await octokit.actions.getWorkflowRun(at)).data.status === 'completed');
  await deliver(OPEN, run);
  assert.deepEqual(pick(await ended(run)), { status: 'FAILURE', statusLabel: 'Cancelled' });
}

function pick({ status, statusLabel }) {
  return { status, statusLabel };
}
