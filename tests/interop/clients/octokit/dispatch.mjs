// Dispatches, and the workflows that can be dispatched.

import assert from 'node:assert/strict';
import { SHOP, VERSIONS } from './client.mjs';

const [OLD] = VERSIONS;
const inputs = { environment: 'staging' };

/** Starts a run and says its id, in either version. */
export async function start(octokit, version, workflow_id, more = {}) {
  const details = version === OLD ? { return_run_details: true } : {};
  const { data } = await octokit.actions.createWorkflowDispatch({ ...SHOP, workflow_id, ref: 'main', ...details, ...more });
  return data.workflow_run_id;
}

export async function judgeDispatch(bench, [who, version, octokit]) {
  const run = (id) => octokit.actions.getWorkflowRun({ ...SHOP, run_id: id });
  const dispatch = (more = {}) =>
    octokit.actions.createWorkflowDispatch({ ...SHOP, workflow_id: 'deploy.yml', ref: 'main', inputs, ...more });

  if (version === OLD) {
    await bench.case(`a plain dispatch is answered with nothing, and starts one run (${who})`, async () => {
      const count = async () => (await octokit.actions.listWorkflowRuns({ ...SHOP, workflow_id: 'deploy.yml' })).data.total_count;
      const before = await count();
      const { status, data } = await dispatch();
      assert.deepEqual([status, data], [204, '']);
      assert.equal(await count(), before + 1);
    });
  }
  await bench.case(`a dispatch is answered with the run that it started (${who})`, async () => {
    const { status, data, headers } = await dispatch(version === OLD ? { return_run_details: true } : {});
    assert.equal(status, 200);
    assert.equal(headers['x-github-api-version-selected'], version);
    const { workflow_run_id: id, run_url, html_url, ...others } = data;
    assert.deepEqual(others, {});
    const { data: found } = await octokit.request(run_url);
    assert.deepEqual([found.id, found.html_url], [id, html_url]);
    assert.deepEqual([found.event, found.head_branch, found.run_attempt], ['workflow_dispatch', 'main', 1]);
    assert.deepEqual([found.actor.login, found.triggering_actor.type], ['ocean-runner[bot]', 'Bot']);
    assert.equal(found.name, 'Deploy the shop');
    assert.equal(found.repository.full_name, 'acme/shop');
  });
  await bench.case(`a ref can be named in full, and its tip is the run's commit (${who})`, async () => {
    const id = await start(octokit, version, 'deploy.yml', { ref: 'refs/heads/release', inputs });
    const { data: found } = await run(id);
    const { data: tip } = await octokit.git.getRef({ ...SHOP, ref: 'heads/release' });
    assert.deepEqual([found.head_branch, found.head_sha, found.head_commit.id], ['release', tip.object.sha, tip.object.sha]);
    const { data: main } = await octokit.git.getRef({ ...SHOP, ref: 'heads/main' });
    assert.notEqual(main.object.sha, tip.object.sha);
  });
  await bench.case(`a workflow can be named by its id (${who})`, async () => {
    const { data: workflow } = await octokit.actions.getWorkflow({ ...SHOP, workflow_id: 'deploy.yml' });
    const id = await start(octokit, version, workflow.id, { inputs });
    assert.equal((await run(id)).data.workflow_id, workflow.id);
  });
}

export async function judgeWorkflows(bench, [who, version, octokit]) {
  await bench.case(`all workflows are listed, page after page (${who})`, async () => {
    const pages = [];
    for await (const page of octokit.paginate.iterator(octokit.actions.listRepoWorkflows, { ...SHOP, per_page: 2 })) pages.push(page);
    assert.deepEqual(pages.map((page) => page.data.length), [2, 2, 1]);
    const { data: whole } = await octokit.actions.listRepoWorkflows(SHOP);
    assert.equal(whole.total_count, 5);
    assert.deepEqual(pages.flatMap((page) => page.data), whole.workflows);
    const files = whole.workflows.map((workflow) => workflow.path.split('/').pop());
    assert.deepEqual(files, ['deploy.yml', 'fails.yml', 'slow.yml', 'crowded.yml', 'switched.yml']);
  });
  await bench.case(`a workflow is the same by file name, by id and in the list (${who})`, async () => {
    const { data: byName } = await octokit.actions.getWorkflow({ ...SHOP, workflow_id: 'fails.yml' });
    const { data: byId } = await octokit.actions.getWorkflow({ ...SHOP, workflow_id: byName.id });
    const { data: byUrl } = await octokit.request(byName.url);
    const listed = (await octokit.paginate(octokit.actions.listRepoWorkflows, SHOP)).find((one) => one.id === byName.id);
    for (const other of [byId, byUrl, listed]) assert.deepEqual(other, byName);
  });
  await bench.case(`a workflow that is switched off runs again once it is switched on (${who})`, async () => {
    const switched = { ...SHOP, workflow_id: 'switched.yml' };
    const state = async () => (await octokit.actions.getWorkflow(switched)).data.state;
    assert.equal((await octokit.actions.disableWorkflow(switched)).status, 204);
    assert.equal(await state(), 'disabled_manually');
    await assert.rejects(start(octokit, version, 'switched.yml'), {
      status: 422,
      message: /^Cannot trigger a 'workflow_dispatch' on a disabled workflow/,
    });
    assert.equal((await octokit.actions.enableWorkflow(switched)).status, 204);
    assert.equal(await state(), 'active');
    await start(octokit, version, 'switched.yml');
  });
}
