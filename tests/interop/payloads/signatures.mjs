// Deliveries that were tampered with, before the host and before GitHub's own verification of signatures.

import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { sign, verify } from '@octokit/webhooks-methods';
import { DOCUMENTED, FORM, SECRET } from './stage.mjs';

export async function signatureCases(bench, stage, example) {
  const body = JSON.stringify(example.payload);
  const right = await sign(SECRET, body);
  for (const [name, delivery] of Object.entries(await refused(body, right, example.payload))) {
    await bench.case(`refused: ${name}`, () => refusal(stage, example.event, { signature: right, body, ...delivery }));
  }
  for (const [name, signature] of Object.entries(spellings(right))) {
    await bench.case(`both verifications were asked about ${name}`, async () => {
      const theirs = await theirVerdict(body, signature);
      const { status } = await stage.deliver(example.event, body, { 'x-hub-signature-256': signature });
      const ours = status === 202;
      if (ours === theirs) return;
      bench.verdict.difference(`signature: ${name}`, `the toolset says ${theirs}, the host answers ${status}`, signature);
    });
  }
  await bench.case('the example of GitHub\'s documentation is taken', async () => {
    assert.ok(await verify(DOCUMENTED.secret, DOCUMENTED.body, DOCUMENTED.signature));
    const headers = { 'x-hub-signature-256': DOCUMENTED.signature };
    const answer = await stage.send('ping', DOCUMENTED.body, headers, 'documented');
    assert.deepEqual(answer, { status: 202, text: 'of no interest' });
    assert.equal((await stage.send('ping', DOCUMENTED.body, headers)).status, 401);
  });
  await bench.case('the same delivery again is known already', async () => {
    const headers = { 'x-github-delivery': randomUUID() };
    assert.equal((await stage.deliver(example.event, body, headers)).text, 'accepted');
    assert.deepEqual(await stage.send(example.event, body, headers), { status: 202, text: 'known already' });
  });
}

/** What differs from the right delivery. */
async function refused(body, right, payload) {
  const hmac = (algorithm) => `${algorithm}=${createHmac(algorithm, SECRET).update(body).digest('hex')}`;
  const [form, indented] = [`payload=${encodeURIComponent(body)}`, JSON.stringify(payload, null, 2)];
  const middle = body.indexOf('"failure"') + 1;
  return {
    'another secret': { signature: await sign('another secret', body) },
    'no signature': { signature: null },
    'a SHA-1 signature only': { signature: null, more: { 'x-hub-signature': hmac('sha1') } },
    'a SHA-1 signature in the field for SHA-256': { signature: hmac('sha1') },
    'a SHA-512 signature': { signature: hmac('sha512') },
    'one byte changed': { body: `${body.slice(0, middle)}g${body.slice(middle + 1)}` },
    'one byte more': { body: `${body}\n` },
    'one byte less': { body: body.slice(0, -1) },
    'nothing of the body': { body: '' },
    'the same JSON, written again with indentation': { body: indented },
    'the same JSON with its keys in another order': { body: JSON.stringify(Object.fromEntries(Object.entries(payload).reverse())) },
    'the signature of the JSON on the form': { body: form, more: { 'content-type': FORM } },
    'the signature of the form on the JSON': { signature: await sign(SECRET, form) },
  };
}

/** Refused by all three: the toolset, the listener, the command; and nothing is handled. */
async function refusal(stage, event, { signature, body, more = {} }) {
  assert.equal(await theirVerdict(body, signature), false);
  const before = [await stage.handled(), await stage.counts('host_harness_deliveries_answered_total')];
  const answer = await stage.send(event, body, { 'x-hub-signature-256': signature, ...more });
  assert.equal(answer.status, 401, answer.text);
  const after = [await stage.handled(), await stage.counts('host_harness_deliveries_answered_total')];
  assert.deepEqual(after, [before[0], { ...before[1], 401: before[1][401] + 1 }]);
  // The command signs by itself what comes without a signature.
  if (signature === null) return;
  const decision = await stage.decide(event, body, signature, more['content-type']);
  assert.deepEqual(Object.keys(decision).sort(), ['ok', 'refused']);
  assert.equal(decision.ok, false);
}

/** Other ways to write a signature. */
function spellings(right) {
  const digest = right.slice('sha256='.length);
  return {
    'the right one': right,
    'capital digits': `sha256=${digest.toUpperCase()}`,
    'a capital prefix': `SHA256=${digest}`,
    'no prefix': digest,
    'another prefix': `sha1=${digest}`,
    'the prefix alone': 'sha256=',
    'a digit less': right.slice(0, -1),
    'two digits less': right.slice(0, -2),
    'two digits more': `${right}00`,
    'a digit that is none': `${right.slice(0, -1)}g`,
    'a space inside': `sha256= ${digest}`,
    'two signatures': `${right}, ${right}`,
  };
}

/** What the toolset says; it throws where there is nothing to verify. */
async function theirVerdict(body, signature) {
  if (!body || !signature) return false;
  return await verify(SECRET, body, signature);
}
