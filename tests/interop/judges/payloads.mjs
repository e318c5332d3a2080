// Deliveries that GitHub really sent, signed by GitHub's own toolset, before the host's listener and the component.

import assert from 'node:assert/strict';
import { sign } from '@octokit/webhooks-methods';
import { openapi } from '../deliveries/schemas.mjs';
import { examples, expectations } from '../payloads/examples.mjs';
import { runCases } from '../payloads/runs.mjs';
import { signatureCases } from '../payloads/signatures.mjs';
import { SECRET, Stage } from '../payloads/stage.mjs';

export const title = '@octokit/webhooks-examples, signed by @octokit/webhooks-methods, before the host and the component';

/** Runs of Port that are ended by deliveries. */
const RUNS = 5;

export async function judge(bench) {
  const all = await examples();
  const expected = await expectations();
  const stage = await Stage.open(bench, RUNS);
  const runs = await stage.until('all runs are started', async () => {
    const runs = await stage.journal();
    return runs.length === RUNS && runs.every(({ phase }) => phase === 'started') && runs;
  });
  await bench.case('every example has an expectation, and every expectation an example', () => {
    assert.deepEqual([...all.keys()].sort(), Object.keys(expected.example).sort());
  });
  for (const example of all.values()) {
    await bench.case(example.name, () => asExpected(stage, example, expected.example[example.name]));
  }
  await bench.case('nothing of this has touched a run', async () => {
    assert.deepEqual(await stage.journal(), runs);
  });
  await decisionCases(bench, stage, all, expected);
  await signatureCases(bench, stage, all.get('api.github.com workflow_job 1 completed'));
  await runCases(bench, stage, all, runs);
  await bench.case('the host stops in order, and neither simulator saw what a correct client would never do', async () => {
    assert.equal(await stage.serve.stop(), 0);
    for (const { program } of [stage.github, stage.port]) {
      await program.stop();
      assert.deepEqual(program.json.at(-1), { violations: [] });
    }
  });
}

async function asExpected(stage, { event, payload }, expected) {
  assert.ok(expected, 'there is no expectation');
  const body = JSON.stringify(payload);
  const signature = await sign(SECRET, body);
  if (expected.handled === 'later') {
    await asksLater(stage, event, body, expected);
    return;
  }
  const answer = await stage.deliver(event, body);
  assert.deepEqual([answer.status, answer.text, answer.handled], [202, expected.answer, expected.handled]);
  assert.deepEqual(await stage.decide(event, body, signature), { ok: true, updates: updates(expected, payload) });
}

async function asksLater(stage, event, body, { answer, failure, asks }) {
  const before = stage.asked(asks);
  assert.deepEqual(await stage.send(event, body), { status: 202, text: answer });
  await stage.until('the host asks GitHub', () => stage.asked(asks) > before);
  const decision = await stage.decide(event, body, await sign(SECRET, body));
  assert.equal(decision.failure?.kind, failure);
}

function updates({ run, attempt, label, level, log }, { action, workflow_job: job }) {
  if (!run) return [];
  const part = job ? { kind: 'job', id: String(job.id), ended: action === 'completed' } : null;
  const progress = { label: label ?? null, log: log ? [{ level, message: log }] : [], part };
  return [{ externalRunId: run, attempt, change: { progress } }];
}

/** What the component decides about the recorded runs, if a dispatch had started them. */
async function decisionCases(bench, stage, all, expected) {
  const decide = async (name, changes) => {
    const { event, payload } = all.get(name);
    const body = JSON.stringify({ ...payload, workflow_run: { ...payload.workflow_run, event: 'workflow_dispatch', ...changes } });
    const { ok, updates } = await stage.decide(event, body, await sign(SECRET, body));
    assert.equal(ok, true);
    assert.equal(updates.length, 1);
    return updates[0];
  };
  for (const [name, { run, outcome, label }] of Object.entries(expected.dispatched)) {
    await bench.case(`${name}, started by workflow_dispatch`, async () => {
      const { externalRunId, attempt, change } = await decide(name, {});
      assert.deepEqual([externalRunId, attempt], [run, 1]);
      assert.deepEqual(Object.keys(change), [outcome ? 'completed' : 'progress']);
      assert.deepEqual([change.completed?.outcome, (change.completed ?? change.progress).label], [outcome, label]);
    });
  }
  const documented = openapi().values('workflow_run', 'completed', ['workflow_run', 'conclusion']).filter((one) => one !== null);
  await bench.case('every conclusion that GitHub documents has an expectation', () => {
    assert.deepEqual(documented.sort(), Object.keys(expected.conclusion).sort());
  });
  for (const [conclusion, [outcome, label]] of Object.entries(expected.conclusion)) {
    await bench.case(`a run that ends with ${conclusion} is decided`, async () => {
      const { change } = await decide('api.github.com workflow_run 1 completed', { conclusion });
      const end = change.completed;
      assert.deepEqual([end.outcome, end.label, end.conclusion], [outcome, label, conclusion]);
      const { run_started_at: began, updated_at: ended } = all.get('api.github.com workflow_run 1 completed').payload.workflow_run;
      const workflowRunSeconds = (Date.parse(ended) - Date.parse(began)) / 1000;
      assert.deepEqual(end.output, { workflowRunConclusion: conclusion, workflowRunAttempt: 1, workflowRunSeconds });
    });
  }
}
