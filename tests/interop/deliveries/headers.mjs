// The header fields of deliveries, their signatures, and the receiver that checks them.

import assert from 'node:assert/strict';

/** Fields of HTTP itself. */
const OF_HTTP = ['host', 'content-length'];
const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export async function headerCases(bench, receiver, github, known) {
  const { signed, unsigned, webhooks } = receiver;
  await bench.case('the toolset takes every signed delivery and gives it to its listener', () => {
    for (const { headers, payload, status, heard } of signed) {
      assert.equal(status, 200, headers['x-github-delivery']);
      assert.equal(heard.name, headers['x-github-event']);
      assert.deepEqual(heard.payload, payload);
    }
  });
  await bench.case('the toolset refuses each of them with another signature or another byte', () => refusals(webhooks, signed));
  await bench.case('every delivery has the header fields that GitHub documents', () => {
    for (const { headers } of signed) {
      for (const name of known.parameters) assert.ok(headers[name.toLowerCase()], `${name} is missing`);
    }
  });
  compare(bench.verdict, signed, known);
  await bench.case('the header fields hold what GitHub documents', () => {
    for (const { headers } of [...signed, ...unsigned]) {
      assert.match(headers['user-agent'], /^GitHub-Hookshot\/[0-9a-f]{7}$/);
      assert.equal(headers['content-type'], 'application/json');
      assert.equal(headers.accept, '*/*');
      assert.match(headers['x-github-delivery'], GUID);
      assert.match(headers['x-github-hook-id'], /^\d+$/);
    }
    for (const { headers } of signed) assert.match(headers['x-hub-signature-256'], /^sha256=[0-9a-f]{64}$/);
  });
  await bench.case('a delivery of an App names the App, and its installation on the owner', () => {
    for (const { headers, payload } of signed) {
      assert.equal(headers['x-github-hook-installation-target-type'], 'integration');
      assert.equal(headers['x-github-hook-installation-target-id'], String(github.app.id));
      assert.equal(payload.installation.id, github.app.installations.acme);
    }
  });
  await bench.case('a hook without a secret signs nothing', () => {
    const marks = unsigned.flatMap(({ headers }) => Object.keys(headers).filter((name) => name.startsWith('x-hub-signature')));
    assert.deepEqual(marks, []);
  });
  await bench.case('each event has one GUID at both hooks, and each hook its own id', () => hooks(signed, unsigned));
}

async function refusals(webhooks, signed) {
  for (const { headers, raw } of signed) {
    const signature = headers['x-hub-signature-256'];
    const delivery = { id: headers['x-github-delivery'], name: headers['x-github-event'], payload: raw, signature };
    await webhooks.verifyAndReceive(delivery);
    const last = signature.endsWith('0') ? '1' : '0';
    await assert.rejects(webhooks.verifyAndReceive({ ...delivery, signature: signature.slice(0, -1) + last }));
    await assert.rejects(webhooks.verifyAndReceive({ ...delivery, payload: `${raw} ` }));
  }
}

/** The fields of the delivery that GitHub's description shows, against ours. */
function compare(verdict, signed, { parameters, shown }) {
  const documented = new Set([...parameters, ...shown].map((name) => name.toLowerCase()));
  for (const { headers } of signed) {
    for (const name of documented) {
      if (!headers[name]) verdict.difference(`header ${name}`, 'GitHub\'s description shows it, the simulator does not send it');
    }
    for (const name of Object.keys(headers)) {
      const known = documented.has(name) || OF_HTTP.includes(name);
      if (!known) verdict.difference(`header ${name}`, 'the simulator sends it, GitHub\'s description does not know it');
    }
  }
}

/** The second hook answers 500 each time: GitHub does not try again, and nor does the simulator. */
function hooks(signed, unsigned) {
  const guids = (deliveries) => deliveries.map(({ headers }) => headers['x-github-delivery']).sort();
  assert.deepEqual(guids(unsigned), guids(signed));
  assert.equal(new Set(guids(signed)).size, signed.length);
  const ids = (deliveries) => [...new Set(deliveries.map(({ headers }) => headers['x-github-hook-id']))];
  assert.equal(ids(signed).length, 1);
  assert.equal(ids(unsigned).length, 1);
  assert.notEqual(ids(signed)[0], ids(unsigned)[0]);
}
