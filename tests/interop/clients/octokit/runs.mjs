// Runs: found by every filter, read with their attempts and jobs, cancelled and run again.

import assert from 'node:assert/strict';
import { until } from '../../bench/until.mjs';
import { SHOP } from './client.mjs';
import { start } from './dispatch.mjs';

const inputs = { environment: 'staging' };
const ids = (objects) => objects.map((object) => object.id);

/** Waits until the run has ended, and says how. */
async function ended(octokit, run_id, attempt = 1) {
  return await until(`the end of run ${run_id}`, async () => {
    const { data } = await octokit.actions.getWorkflowRun({ ...SHOP, run_id });
    return data.run_attempt === attempt && data.status === 'completed' ? data : undefined;
  });
}

export async function judgeLists(bench, [who, version, octokit]) {
  const all = (more = {}) => octokit.paginate(octokit.actions.listWorkflowRunsForRepo, { ...SHOP, per_page: 100, ...more });
  const good = await ended(octokit, await start(octokit, version, 'deploy.yml', { inputs }));
  await ended(octokit, await start(octokit, version, 'deploy.yml', { inputs, ref: 'release' }));
  await ended(octokit, await start(octokit, version, 'fails.yml'));
  const slow = await start(octokit, version, 'slow.yml');
  const runs = await until('a still world', async () => {
    const found = await all();
    return found.every((run) => run.status === 'completed' || (run.path.includes('slow.yml') && run.status === 'in_progress')) && found;
  });

  const since = good.created_at;
  const at = Date.parse(since);
  const created = (test) => (run) => test(Date.parse(run.created_at));
  const filters = [
    [{ event: 'workflow_dispatch' }, () => true],
    [{ event: 'push' }, () => false],
    [{ status: 'completed' }, (run) => run.status === 'completed'],
    [{ status: 'in_progress' }, (run) => run.status === 'in_progress'],
    [{ status: 'queued' }, () => false],
    [{ status: 'success' }, (run) => run.conclusion === 'success'],
    [{ status: 'failure' }, (run) => run.conclusion === 'failure'],
    [{ branch: 'release' }, (run) => run.head_branch === 'release'],
    [{ branch: 'nowhere' }, () => false],
    [{ actor: 'ocean-runner[bot]' }, () => true],
    [{ actor: 'somebody-else' }, () => false],
    [{ head_sha: good.head_sha }, (run) => run.head_sha === good.head_sha],
    [{ check_suite_id: good.check_suite_id }, (run) => run.id === good.id],
    [{ exclude_pull_requests: true }, () => true],
    [{ created: `>=${since}` }, created((time) => time >= at)],
    [{ created: `<${since}` }, created((time) => time < at)],
    [{ created: `2020-01-01..${since}` }, created((time) => time <= at)],
    [{ created: `${since}..*` }, created((time) => time >= at)],
    [{ branch: 'main', status: 'failure', event: 'workflow_dispatch' }, (run) => `${run.conclusion} ${run.head_branch}` === 'failure main'],
  ];
  for (const [filter, belongs] of filters) {
    await bench.case(`runs are filtered by ${JSON.stringify(filter)} (${who})`, async () => {
      const wanted = ids(runs.filter(belongs));
      assert.deepEqual(ids(await all(filter)), wanted);
      const { data } = await octokit.actions.listWorkflowRunsForRepo({ ...SHOP, per_page: 1, ...filter });
      assert.equal(data.total_count, wanted.length);
    });
  }
  await bench.case(`the newest run is listed first (${who})`, () => {
    assert.equal(runs[0].id, slow);
    assert.deepEqual(ids(runs), ids(runs).sort((one, other) => other - one));
  });
  await bench.case(`pages of runs make up the list, and a filter stays on all of them (${who})`, async () => {
    const filter = { ...SHOP, per_page: 2, status: 'success' };
    const pages = [];
    for await (const page of octokit.paginate.iterator(octokit.actions.listWorkflowRunsForRepo, filter)) pages.push(page);
    const wanted = ids(runs.filter((run) => run.conclusion === 'success'));
    assert.deepEqual(ids(pages.flatMap((page) => page.data)), wanted);
    assert.equal(pages.length, Math.ceil(wanted.length / 2));
    assert.match(pages[0].headers.link, /rel="next".*rel="last"/);
    assert.doesNotMatch(pages.at(-1).headers.link, /rel="next"/);
  });
  await bench.case(`a workflow lists its own runs (${who})`, async () => {
    for (const file of ['deploy.yml', 'fails.yml']) {
      const listed = await octokit.paginate(octokit.actions.listWorkflowRuns, { ...SHOP, workflow_id: file, per_page: 100 });
      assert.deepEqual(listed, runs.filter((run) => run.path.startsWith(`.github/workflows/${file}`)));
    }
  });
  await bench.case(`a run is the same in the list and alone (${who})`, async () => {
    for (const run of [runs.find((one) => one.conclusion === 'failure'), runs[0]]) {
      const { data } = await octokit.actions.getWorkflowRun({ ...SHOP, run_id: run.id, exclude_pull_requests: true });
      assert.deepEqual(data, run);
    }
  });
  await octokit.actions.cancelWorkflowRun({ ...SHOP, run_id: slow });
}

export async function judgeRuns(bench, [who, version, octokit]) {
  const get = async (run_id) => (await octokit.actions.getWorkflowRun({ ...SHOP, run_id })).data;
  for (const cancel of ['cancelWorkflowRun', 'forceCancelWorkflowRun']) {
    await bench.case(`${cancel} ends a run with the conclusion cancelled (${who})`, async () => {
      const run_id = await start(octokit, version, 'slow.yml');
      assert.equal((await octokit.actions[cancel]({ ...SHOP, run_id })).status, 202);
      assert.equal((await ended(octokit, run_id)).conclusion, 'cancelled');
    });
  }
  await bench.case(`a run's jobs are listed, page after page, and each can be read (${who})`, async () => {
    const run = await ended(octokit, await start(octokit, version, 'fails.yml'));
    const listed = { ...SHOP, run_id: run.id, per_page: 2 };
    const jobs = await octokit.paginate(octokit.actions.listJobsForWorkflowRun, listed);
    assert.deepEqual(jobs.map((job) => job.name), ['build', 'test', 'publish']);
    for (const job of jobs) {
      assert.deepEqual([job.run_id, job.run_attempt, job.head_sha, job.status], [run.id, 1, run.head_sha, 'completed']);
      const { data } = await octokit.actions.getJobForWorkflowRun({ ...SHOP, job_id: job.id });
      assert.deepEqual(data, job);
    }
    const { data: byUrl } = await octokit.request(run.jobs_url);
    assert.deepEqual([byUrl.total_count, byUrl.jobs], [3, jobs]);
  });
  await bench.case(`a run that failed has a job that failed, in a step that failed (${who})`, async () => {
    const run = await ended(octokit, await start(octokit, version, 'fails.yml'));
    assert.equal(run.conclusion, 'failure');
    const { data } = await octokit.actions.listJobsForWorkflowRun({ ...SHOP, run_id: run.id });
    const failed = data.jobs.filter((job) => job.conclusion === 'failure');
    assert.notEqual(failed.length, 0, `jobs end with ${data.jobs.map((job) => job.conclusion)}`);
    for (const job of failed) assert.ok(job.steps.some((step) => step.conclusion === 'failure'));
  });
  await bench.case(`the URLs in a run and in a job lead where they say (${who})`, async () => {
    const slow = await get(await start(octokit, version, 'slow.yml'));
    assert.equal((await octokit.request(slow.workflow_url)).data.id, slow.workflow_id);
    assert.equal((await octokit.request(slow.repository.url)).data.id, slow.repository.id);
    const { data } = await octokit.request(slow.jobs_url);
    assert.equal((await octokit.request(data.jobs[0].url)).data.id, data.jobs[0].id);
    assert.equal((await octokit.request(data.jobs[0].run_url)).data.id, slow.id);
    assert.equal((await octokit.request(`POST ${slow.cancel_url}`)).status, 202);
    await ended(octokit, slow.id);
    assert.equal((await octokit.request(`POST ${slow.rerun_url}`)).status, 201);
    assert.equal((await octokit.request(`POST ${slow.cancel_url}`)).status, 202);
    assert.equal((await ended(octokit, slow.id, 2)).conclusion, 'cancelled');
  });
  for (const again of ['reRunWorkflow', 'reRunWorkflowFailedJobs']) {
    await bench.case(`${again} makes a second attempt, and the first can still be read (${who})`, async () => {
      const first = await ended(octokit, await start(octokit, version, 'fails.yml'));
      const of = { ...SHOP, run_id: first.id };
      assert.equal((await octokit.actions[again](of)).status, 201);
      const second = await ended(octokit, first.id, 2);
      assert.deepEqual([second.id, second.run_number, second.created_at], [first.id, first.run_number, first.created_at]);
      const { data: before } = await octokit.request(second.previous_attempt_url);
      assert.deepEqual(before, first);
      assert.deepEqual((await octokit.actions.getWorkflowRunAttempt({ ...of, attempt_number: 1 })).data, first);
      assert.deepEqual((await octokit.actions.getWorkflowRunAttempt({ ...of, attempt_number: 2 })).data, await get(first.id));
      await judgeAttempts(octokit, of);
    });
  }
}

async function judgeAttempts(octokit, of) {
  const attempt = (attempt_number) => octokit.paginate(octokit.actions.listJobsForWorkflowRunAttempt, { ...of, attempt_number });
  const [one, two] = [await attempt(1), await attempt(2)];
  assert.deepEqual(new Set(one.map((job) => job.run_attempt)), new Set([1]));
  assert.deepEqual(new Set(two.map((job) => job.run_attempt)), new Set([2]));
  const latest = await octokit.paginate(octokit.actions.listJobsForWorkflowRun, of);
  assert.deepEqual(latest, two);
  const all = await octokit.paginate(octokit.actions.listJobsForWorkflowRun, { ...of, filter: 'all', per_page: 2 });
  assert.deepEqual(new Set(ids(all)), new Set(ids([...one, ...two])));
}
