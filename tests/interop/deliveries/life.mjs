// What deliveries say beyond their form: the order of a run's life, and that their parts agree with each other.

import assert from 'node:assert/strict';

/** A run with these jobs, as GitHub tells it. A re-run is not `requested`. */
function life(jobs, attempt = 1) {
  const each = (action) => Array(jobs).fill(`workflow_job ${action}`);
  const first = attempt === 1 ? ['workflow_run requested'] : [];
  return [...first, ...each('queued'), 'workflow_run in_progress', ...each('in_progress'), ...each('completed'), 'workflow_run completed'];
}

export async function lifeCases(bench, { signed }, runs, conclusions) {
  const of = (id, attempt = 1) => signed.filter(({ payload }) => {
    const run = payload.workflow_run ?? { id: payload.workflow_job.run_id, run_attempt: payload.workflow_job.run_attempt };
    return run.id === id && run.run_attempt === attempt;
  });
  const told = (deliveries) => deliveries.map(({ headers, payload }) => `${headers['x-github-event']} ${payload.action}`);
  for (const conclusion of conclusions) {
    await bench.case(`a run that ends with ${conclusion} is told in order`, () => {
      const deliveries = of(runs[conclusion]);
      assert.deepEqual(told(deliveries), life(conclusion === 'startup_failure' ? 0 : 1));
      assert.equal(deliveries.at(-1).payload.workflow_run.conclusion, conclusion);
      assert.equal(deliveries.at(-1).payload.workflow_run.status, 'completed');
    });
  }
  await bench.case('every job of a run is told', () => {
    assert.deepEqual(told(of(runs.several)), life(3));
    const names = of(runs.several).filter(({ payload }) => payload.action === 'queued').map(({ payload }) => payload.workflow_job.name);
    assert.deepEqual(names, ['lint', 'unit tests', 'Prüfung ✓']);
  });
  await bench.case('a run that somebody cancelled is told as cancelled', () => {
    assert.deepEqual(told(of(runs.hour)), life(1));
    assert.equal(of(runs.hour).at(-1).payload.workflow_run.conclusion, 'cancelled');
  });
  await bench.case('a re-run keeps its id, has new jobs, and names the attempt before', () => {
    rerun(of(runs.several), of(runs.several, 2), told);
  });
  await bench.case('the parts of a delivery agree with each other', () => signed.forEach(({ payload }) => agree(payload)));
  await bench.case('no time in a delivery runs backwards', () => signed.forEach(({ payload }) => times(payload)));
}

function rerun(first, second, told) {
  assert.deepEqual(told(second), life(3, 2));
  const run = second.at(-1).payload.workflow_run;
  assert.equal(run.previous_attempt_url, `${run.url}/attempts/1`);
  assert.equal(first.at(-1).payload.workflow_run.previous_attempt_url, null);
  const jobs = (deliveries) => deliveries.flatMap(({ payload }) => payload.workflow_job?.id ?? []);
  assert.equal(new Set([...jobs(first), ...jobs(second)]).size, 6);
}

function agree({ action, repository, organization, sender, workflow, workflow_run: run, workflow_job: job }) {
  assert.equal(organization.id, repository.owner.id);
  assert.equal(repository.full_name, 'acme/shop');
  const page = `${repository.html_url}/actions/runs/${run?.id ?? job.run_id}`;
  if (job) {
    assert.equal(job.run_url, `${repository.url}/actions/runs/${job.run_id}`);
    assert.equal(job.html_url, `${page}/job/${job.id}`);
    assert.equal(job.status, action);
    assert.equal(job.conclusion === null, action !== 'completed');
    // GitHub's description: these are null as long as the job is queued.
    for (const key of ['runner_id', 'runner_name', 'runner_group_id', 'runner_group_name']) {
      assert.equal(job[key] === null, action === 'queued', key);
    }
    return;
  }
  assert.equal(run.html_url, page);
  assert.equal(run.repository.id, repository.id);
  assert.equal(run.workflow_id, workflow.id);
  assert.equal(run.path, workflow.path);
  assert.equal(run.event, 'workflow_dispatch');
  assert.equal(run.triggering_actor.login, sender.login);
  assert.equal(run.status, action === 'requested' ? 'queued' : action);
  assert.equal(run.conclusion === null, action !== 'completed');
}

function times({ workflow_run: run, workflow_job: job }) {
  const inOrder = (...texts) => {
    const moments = texts.filter((text) => text !== null).map((text) => Date.parse(text));
    assert.ok(moments.every((moment) => moment > 0), texts.join(' '));
    assert.deepEqual(moments, moments.toSorted((one, other) => one - other));
  };
  if (run) inOrder(run.created_at, run.run_started_at, run.updated_at);
  if (job) inOrder(job.created_at, job.started_at, job.completed_at);
  for (const step of job?.steps ?? []) inOrder(step.started_at, step.completed_at);
}
