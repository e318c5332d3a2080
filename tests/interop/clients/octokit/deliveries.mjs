// Webhooks as the official receiver takes them.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhooks } from '@octokit/webhooks';
import { verify } from '@octokit/webhooks-methods';
import { SECRET } from '../world.mjs';
import { SHOP, VERSIONS, asInstallation } from './client.mjs';
import { start } from './dispatch.mjs';

const [version] = VERSIONS;
const name = (delivery) => delivery.headers['x-github-event'];
const signature = (delivery) => delivery.headers['x-hub-signature-256'];

/** Deliveries of one run, by what they say. */
function about(run, ...actions) {
  return (delivery) => {
    const { action, workflow_run, workflow_job } = JSON.parse(delivery.body);
    const told = (workflow_run?.id ?? workflow_job?.run_id) === run;
    return told && (actions.length === 0 || actions.includes(`${name(delivery)}.${action}`));
  };
}

/** What the official receiver makes of them: `[event, action]` of each. */
async function received(deliveries, secret = SECRET) {
  const webhooks = new Webhooks({ secret });
  const events = [];
  webhooks.onAny(({ name, payload }) => events.push(`${name}.${payload.action}`));
  for (const delivery of deliveries) {
    const { 'x-github-delivery': id, 'x-github-event': name } = delivery.headers;
    await webhooks.verifyAndReceive({ id, name, payload: delivery.body, signature: signature(delivery) });
  }
  return events;
}

export async function judgeDeliveries(bench, github) {
  const octokit = asInstallation(github, version);
  const get = async (run_id) => (await octokit.actions.getWorkflowRun({ ...SHOP, run_id })).data;

  await bench.case('a run is told from its start to its end, and the official receiver takes every word', async () => {
    const run = await start(octokit, version, 'fails.yml');
    await github.receiver.wait('the end of the run', about(run, 'workflow_run.completed'));
    const told = github.receiver.deliveries.filter(about(run));
    const three = (event) => Array(3).fill(event);
    const expected = [
      'workflow_run.requested', ...three('workflow_job.queued'), 'workflow_run.in_progress', ...three('workflow_job.in_progress'),
      ...three('workflow_job.completed'), 'workflow_run.completed',
    ];
    assert.deepEqual(await received(told), expected);
  });
  await bench.case('a run is the same in a delivery and over REST, but for the ref in its path', async () => {
    const id = await start(octokit, version, 'fails.yml');
    const [delivery] = await github.receiver.wait('the end of the run', about(id, 'workflow_run.completed'));
    const { workflow_run, workflow, repository, installation, organization, sender } = JSON.parse(delivery.body);
    const rest = await get(id);
    assert.deepEqual({ ...workflow_run, path: `${workflow_run.path}@main` }, rest);
    assert.deepEqual(workflow, (await octokit.actions.getWorkflow({ ...SHOP, workflow_id: workflow.id })).data);
    assert.deepEqual([repository.id, organization.login, sender.login], [rest.repository.id, 'acme', rest.actor.login]);
    assert.equal(installation.id, github.app.installations.acme);
  });
  await bench.case('a job is the same in a delivery and over REST', async () => {
    const id = await start(octokit, version, 'fails.yml');
    const told = await github.receiver.wait('the end of the jobs', about(id, 'workflow_job.completed'), 3);
    const { data } = await octokit.actions.listJobsForWorkflowRun({ ...SHOP, run_id: id });
    assert.deepEqual(told.map((delivery) => JSON.parse(delivery.body).workflow_job), data.jobs);
  });
  await bench.case('another attempt is told without a request', async () => {
    const id = await start(octokit, version, 'fails.yml');
    await github.receiver.wait('the end of the run', about(id, 'workflow_run.completed'));
    await octokit.actions.reRunWorkflow({ ...SHOP, run_id: id });
    const told = await github.receiver.wait('both ends', about(id, 'workflow_run.completed'), 2);
    assert.deepEqual(told.map((delivery) => JSON.parse(delivery.body).workflow_run.run_attempt), [1, 2]);
    assert.equal(github.receiver.deliveries.filter(about(id, 'workflow_run.requested')).length, 1);
  });
  await bench.case('a delivery that is refused is not sent again', async () => {
    github.receiver.answer = 500;
    try {
      const id = await start(octokit, version, 'fails.yml');
      await github.receiver.wait('the end of the run', about(id, 'workflow_run.completed'));
      await sleep(300);
      assert.equal(github.receiver.deliveries.filter(about(id, 'workflow_run.completed')).length, 1);
    } finally {
      github.receiver.answer = 202;
    }
  });
  await judgeSignatures(bench, github);
}

async function judgeSignatures(bench, github) {
  const { deliveries } = github.receiver;
  await bench.case('each of all deliveries is signed with the secret and nothing else', async () => {
    assert.ok(deliveries.length > 100, `${deliveries.length} deliveries`);
    for (const delivery of deliveries) {
      assert.ok(await verify(SECRET, delivery.body, signature(delivery)));
      assert.ok(!(await verify('another secret', delivery.body, signature(delivery))));
      assert.ok(!(await verify(SECRET, `${delivery.body} `, signature(delivery))));
    }
  });
  await bench.case('the official receiver refuses a delivery under another secret', async () => {
    await assert.rejects(received(deliveries.slice(0, 1), 'another secret'), /signature does not match/);
  });
  await bench.case('each delivery has the header fields of an App', () => {
    for (const { headers } of deliveries) {
      assert.match(headers['user-agent'], /^GitHub-Hookshot\/[0-9a-f]+$/);
      assert.match(headers['x-github-delivery'], /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      assert.equal(headers['content-type'], 'application/json');
      assert.equal(headers.accept, '*/*');
      assert.match(headers['x-github-hook-id'], /^\d+$/);
      assert.equal(headers['x-github-hook-installation-target-type'], 'integration');
      assert.equal(headers['x-github-hook-installation-target-id'], `${github.app.id}`);
    }
    assert.equal(new Set(deliveries.map(({ headers }) => headers['x-github-delivery'])).size, deliveries.length);
  });
}
