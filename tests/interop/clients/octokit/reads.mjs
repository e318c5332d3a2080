// The repository, its files, and what GitHub says about itself.

import assert from 'node:assert/strict';
import { SHOP, VERSIONS } from './client.mjs';

const [OLD] = VERSIONS;
const DEPLOY = { ...SHOP, path: '.github/workflows/deploy.yml' };

export async function judgeReads(bench, [who, version, octokit]) {
  await bench.case(`a repository is the same by name and by id (${who})`, async () => {
    const { data } = await octokit.repos.get(SHOP);
    assert.deepEqual([data.full_name, data.default_branch, data.archived], ['acme/shop', 'main', false]);
    assert.deepEqual([data.owner.login, data.owner.type, data.permissions.push], ['acme', 'Organization', true]);
    assert.deepEqual((await octokit.request('GET /repositories/{id}', { id: data.id })).data, data);
    // Dropped by the newer version.
    assert.equal('has_downloads' in data, version === OLD);
    assert.equal('use_squash_pr_title_as_default' in data, version === OLD);
  });
  await bench.case(`a workflow file can be read as an object and as text (${who})`, async () => {
    const { data } = await octokit.repos.getContent(DEPLOY);
    const text = Buffer.from(data.content, data.encoding).toString('utf8');
    assert.deepEqual([data.type, data.path, data.size], ['file', DEPLOY.path, Buffer.byteLength(text)]);
    const { data: raw } = await octokit.repos.getContent({ ...DEPLOY, ref: 'main', mediaType: { format: 'raw' } });
    assert.equal(raw, text);
    assert.match(text, /workflow_dispatch:/);
    assert.deepEqual((await octokit.request(data.url)).data, data);
  });
  await bench.case(`a branch has a commit, and its URL leads back to it (${who})`, async () => {
    const { data } = await octokit.git.getRef({ ...SHOP, ref: 'heads/main' });
    assert.deepEqual([data.ref, data.object.type], ['refs/heads/main', 'commit']);
    assert.match(data.object.sha, /^[0-9a-f]{40}$/);
  });
  await bench.case(`the quota goes down with each request, and asking for it is free (${who})`, async () => {
    const { headers } = await octokit.repos.get(SHOP);
    const left = Number(headers['x-ratelimit-remaining']);
    for (let time = 0; time < 2; time += 1) {
      const { data } = await octokit.rateLimit.get();
      assert.deepEqual([data.resources.core.remaining, data.resources.core.limit], [left, Number(headers['x-ratelimit-limit'])]);
      assert.equal('rate' in data, version === OLD);
    }
    const { headers: after } = await octokit.repos.get(SHOP);
    assert.equal(Number(after['x-ratelimit-remaining']), left - 1);
    assert.equal(Number(after['x-ratelimit-used']), Number(headers['x-ratelimit-used']) + 1);
  });
  await bench.case(`an answer that is known already is not sent again, and costs nothing (${who})`, async () => {
    const { headers } = await octokit.repos.get(SHOP);
    const known = octokit.repos.get({ ...SHOP, headers: { 'if-none-match': headers.etag } });
    await assert.rejects(known, (error) => error.status === 304 && error.response.headers.etag === headers.etag);
    const { headers: after } = await octokit.repos.get(SHOP);
    assert.equal(Number(after['x-ratelimit-remaining']), Number(headers['x-ratelimit-remaining']) - 1);
  });
  await bench.case(`the versions are those that are simulated (${who})`, async () => {
    assert.deepEqual([...(await octokit.meta.getAllVersions()).data].sort(), VERSIONS);
    assert.ok(Array.isArray((await octokit.meta.get()).data.hooks));
  });
}
