// What the contract asks of a host: where requests may go and with what, and who may tell news.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { http } from '@bytecodealliance/preview2-shim';
import { attempt, portRun } from './stage.mjs';
import './egress.mjs';

export async function policyCases(stage) {
  const { bench } = stage;
  await bench.case('each request has the credential once, and the component cannot set one', () => credential(stage));
  await bench.case('a request to another origin is refused before it leaves', () => otherOrigin(stage));
  await bench.case('a redirect to another origin is followed by nobody', () => redirect(stage));
  await bench.case('a delivery that is not signed with the secret is not taken', () => forgery(stage));
  await bench.case('a call that takes too long is stopped, and whether its request has left is known', () => stopping(stage));
}

async function credential(stage) {
  const { front, plugin, installation } = await stage.front();
  const { ok } = await plugin.call('dispatch', installation, portRun(), attempt());
  stage.known.push(ok.externalRunId);
  assert.equal(front.seen.length, 2);
  for (const { headers } of front.seen) {
    const given = headers.filter(([name]) => name === 'authorization');
    assert.deepEqual(given, [['authorization', `Bearer ${stage.github.token}`]]);
  }
  for (const name of ['authorization', 'Authorization', 'cookie', 'host']) {
    assert.throws(() => http.types.Fields.fromList([[name, Buffer.from('x')]]), (error) => error.tag === 'forbidden', name);
  }
}

async function otherOrigin(stage) {
  const allowed = await stage.front();
  const other = await stage.front();
  const { err } = await allowed.plugin.call('dispatch', other.installation, portRun(), attempt());
  assert.deepEqual([err.kind.tag, err.code, err.requestSent], ['rejected', 'egress-denied', false]);
  assert.deepEqual([allowed.front.seen, other.front.seen], [[], []]);
}

async function redirect(stage) {
  const { front, plugin, installation } = await stage.front();
  const other = await stage.front();
  front.answer('GET', 302, { location: `${other.front.url}/repos/acme/shop` }, 'Found');
  const { err } = await plugin.call('dispatch', installation, portRun(), attempt());
  assert.deepEqual([err.kind.tag, err.code], ['rejected', 'redirect-refused']);
  assert.deepEqual([front.seen.length, other.front.seen.length], [1, 0]);
}

async function forgery({ deliveries }) {
  const body = '{"action": "completed", "sender": "nobody we know"}';
  const send = async (event, signature) => {
    const headers = { 'x-github-event': event, ...(signature && { 'x-hub-signature-256': signature }) };
    return (await fetch(deliveries.url, { method: 'POST', headers, body })).status;
  };
  const signed = (secret) => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
  const taken = () => deliveries.taken.filter((delivery) => Buffer.from(delivery.body).equals(Buffer.from(body))).length;
  assert.equal(await send('workflow_run'), 401);
  assert.equal(await send('workflow_run', signed('guessed')), 401);
  assert.equal(await send('push', signed(deliveries.secret)), 202, 'nobody wants it, so it is dropped');
  assert.equal(taken(), 0);
  assert.equal(await send('workflow_run', signed(deliveries.secret)), 202);
  assert.equal(taken(), 1);
}

async function stopping(stage) {
  const { front, plugin, installation } = await stage.front({ seconds: 1 });
  const stopped = async () => {
    // The thread is there before the time begins to count.
    assert.ok((await plugin.call('plan', installation, portRun())).ok);
    return await plugin.call('dispatch', installation, portRun(), attempt());
  };
  front.instead('GET', () => {});
  await assert.rejects(stopped(), { requestSent: false });
  front.instead('POST', () => {});
  await assert.rejects(stopped(), { requestSent: true });
}
