// The GitHub App: who it is, where it is installed, and its tokens.

import assert from 'node:assert/strict';
import { SHOP, VERSIONS, asApp, withToken } from './client.mjs';
import { start } from './dispatch.mjs';

export async function judgeApp(bench, github) {
  for (const version of VERSIONS) {
    for (const issuer of ['id', 'clientId']) {
      await bench.case(`the App proves itself with its key, as ${issuer} (${version})`, async () => {
        const { data } = await asApp(github, version, github.app[issuer]).apps.getAuthenticated();
        assert.deepEqual([data.id, data.client_id, data.installations_count], [github.app.id, github.app.clientId, 2]);
      });
    }
    const octokit = asApp(github, version);
    await judgeInstallations(bench, github, octokit, version);
    await judgeTokens(bench, github, octokit, version);
  }
}

async function judgeInstallations(bench, github, octokit, version) {
  const { acme } = github.app.installations;
  await bench.case(`the App's installations are listed, page after page (${version})`, async () => {
    const pages = [];
    for await (const { data } of octokit.paginate.iterator(octokit.apps.listInstallations, { per_page: 1 })) pages.push(data);
    assert.deepEqual(pages.map((page) => page.map((one) => one.account.login)), [['acme'], ['umbrella']]);
    assert.deepEqual(pages.flat(), (await octokit.apps.listInstallations()).data);
    const future = await octokit.apps.listInstallations({ since: '2100-01-01T00:00:00Z' });
    assert.deepEqual(future.data, []);
  });
  await bench.case(`an installation is the same by id, organization, user and repository (${version})`, async () => {
    const { data } = await octokit.apps.getInstallation({ installation_id: acme });
    assert.deepEqual([data.id, data.app_id, data.account.login, data.target_type], [acme, github.app.id, 'acme', 'Organization']);
    assert.deepEqual((await octokit.apps.getOrgInstallation({ org: 'acme' })).data, data);
    assert.deepEqual((await octokit.apps.getUserInstallation({ username: 'acme' })).data, data);
    assert.deepEqual((await octokit.apps.getRepoInstallation(SHOP)).data, data);
  });
}

async function judgeTokens(bench, github, octokit, version) {
  const installationId = github.app.installations.acme;
  const minted = async (more = {}) => await octokit.auth({ type: 'installation', installationId, ...more });
  await bench.case(`a token lives an hour and has what the installation grants (${version})`, async () => {
    const { token, permissions, expiresAt, repositorySelection } = await minted();
    assert.deepEqual(permissions, { actions: 'write', contents: 'read', metadata: 'read' });
    assert.equal(repositorySelection, 'all');
    assert.ok(Math.abs(Date.parse(expiresAt) - Date.now() - 3_600_000) < 60_000, expiresAt);
    assert.equal((await withToken(github, version, token).repos.get(SHOP)).data.full_name, 'acme/shop');
  });
  await bench.case(`a token for one repository sees no other (${version})`, async () => {
    const { data: shop } = await withToken(github, version).repos.get(SHOP);
    for (const narrowed of [{ repositoryNames: ['shop'] }, { repositoryIds: [shop.id] }]) {
      const { token, repositorySelection } = await minted(narrowed);
      assert.equal(repositorySelection, 'selected');
      const client = withToken(github, version, token);
      assert.equal((await client.repos.get(SHOP)).data.id, shop.id);
      await assert.rejects(client.repos.get({ owner: 'acme', repo: 'attic' }), { status: 404 });
    }
  });
  await bench.case(`a token that may only read starts nothing (${version})`, async () => {
    const { token, permissions } = await minted({ permissions: { actions: 'read' } });
    assert.deepEqual(permissions, { actions: 'read', metadata: 'read' });
    const client = withToken(github, version, token);
    assert.ok((await client.actions.listRepoWorkflows(SHOP)).data.total_count > 0);
    await assert.rejects(start(client, version, 'fails.yml'), (error) => {
      assert.equal(error.status, 403);
      assert.equal(error.response.data.message, 'Resource not accessible by integration');
      assert.equal(error.response.headers['x-accepted-github-permissions'], 'actions=write');
      return true;
    });
    await assert.rejects(client.git.getRef({ ...SHOP, ref: 'heads/main' }), { status: 403 });
  });
  await bench.case(`a token names the repositories that it is narrowed to (${version})`, async () => {
    const { data, status } = await octokit.apps.createInstallationAccessToken({ installation_id: installationId, repositories: ['shop'] });
    assert.equal(status, 201);
    assert.deepEqual(data.repositories.map((one) => one.full_name), ['acme/shop']);
  });
  for (const [wanted, shape] of [['disabled', /^ghs_[A-Za-z0-9]{36}$/], ['enabled', /^ghs_\d+_[\w-]+\.[\w-]+\.[\w-]+$/]]) {
    await bench.case(`a token has the shape that is asked for, stateless ${wanted} (${version})`, async () => {
      const headers = { 'x-github-stateless-s2s-token': wanted };
      const { data } = await octokit.apps.createInstallationAccessToken({ installation_id: installationId, headers });
      assert.match(data.token, shape);
      assert.equal((await withToken(github, version, data.token).repos.get(SHOP)).status, 200);
    });
  }
}
