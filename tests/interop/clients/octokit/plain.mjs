// A user who knows nothing of versions, one of an older Enterprise Server, and one without a token.

import assert from 'node:assert/strict';
import { SHOP, withToken, withoutToken } from './client.mjs';

export async function judgePlain(bench) {
  const github = await bench.simulateGithub();
  const octokit = withToken(github);
  const dispatch = (more = {}) => octokit.actions.createWorkflowDispatch({ ...SHOP, workflow_id: 'deploy.yml', ref: 'main', ...more });
  await bench.case('who names no version is answered in 2022-11-28', async () => {
    const { data, headers } = await octokit.repos.get(SHOP);
    assert.equal(headers['x-github-api-version-selected'], '2022-11-28');
    assert.ok('has_downloads' in data);
    assert.equal((await dispatch()).status, 204);
    assert.equal((await dispatch({ return_run_details: true })).status, 200);
  });
  await bench.case('dispatches at the same time start a run each', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => dispatch({ return_run_details: true })));
    const ids = new Set(answers.map(({ data }) => data.workflow_run_id));
    assert.equal(ids.size, 20);
    const runs = await octokit.paginate(octokit.actions.listWorkflowRunsForRepo, SHOP);
    assert.ok([...ids].every((id) => runs.some((run) => run.id === id)));
    assert.equal(new Set(runs.map((run) => run.run_number)).size, runs.length);
  });
  await judgeQuota(bench, withoutToken(github));
  await judgeOldServer(bench);
}

async function judgeQuota(bench, octokit) {
  await bench.case('without a token, an answer that is known already costs as much as another', async () => {
    const { headers } = await octokit.meta.get();
    const error = await octokit.meta.get({ headers: { 'if-none-match': headers.etag } }).catch((error) => error);
    assert.equal(error.status, 304);
    assert.equal(error.response.headers['x-ratelimit-remaining'], `${headers['x-ratelimit-remaining'] - 1}`);
  });
  await bench.case('who has no token is refused after 60 requests, by address', async () => {
    const { data } = await octokit.rateLimit.get();
    assert.equal(data.resources.core.limit, 60);
    for (let left = data.resources.core.remaining - 1; left >= 0; left -= 1) {
      assert.equal((await octokit.meta.get()).headers['x-ratelimit-remaining'], `${left}`);
    }
    const error = await octokit.meta.get().catch((error) => error);
    const { headers, data: refusal } = error.response;
    assert.deepEqual([error.status, headers['x-ratelimit-remaining'], headers['x-ratelimit-used']], [403, '0', '60']);
    assert.ok(Number(headers['x-ratelimit-reset']) > Date.now() / 1000);
    assert.match(refusal.message, /^API rate limit exceeded for 127\.0\.0\.1\./);
  });
}

async function judgeOldServer(bench) {
  const github = await bench.simulateGithub(['--old-server']);
  const { createWorkflowDispatch, listWorkflowRunsForRepo } = withToken(github).actions;
  const plain = { ...SHOP, workflow_id: 'deploy.yml', ref: 'main' };
  await bench.case('an older Enterprise Server refuses to tell the run, and starts none', async () => {
    const error = await createWorkflowDispatch({ ...plain, return_run_details: true }).catch((error) => error);
    assert.equal(error.status, 422);
    assert.equal(error.response.data.message, 'Invalid request.\n\n"return_run_details" is not a permitted key.');
    assert.equal((await listWorkflowRunsForRepo(SHOP)).data.total_count, 0);
    assert.equal((await createWorkflowDispatch(plain)).status, 204);
    assert.equal((await listWorkflowRunsForRepo(SHOP)).data.total_count, 1);
  });
}
