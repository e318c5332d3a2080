// Hooks that are administered over REST: those of a repository and of an organization, and the App's own.

import assert from 'node:assert/strict';
import { verify } from '@octokit/webhooks-methods';
import { until } from '../../bench/until.mjs';
import { SECRET, startWorld, stopWorld } from '../world.mjs';
import { SHOP, VERSIONS, asApp, asInstallation, withToken } from './client.mjs';
import { start } from './dispatch.mjs';

const HIDDEN = '********';

export async function judgeHooks(bench) {
  const github = await startWorld(bench, 'hooks');
  let violations;
  try {
    for (const version of VERSIONS) {
      const octokit = withToken(github, version);
      for (const kind of [ofRepository(octokit), ofOrganization(octokit)]) await new Hooks(bench, github, octokit, version, kind).judge();
      await judgeAppHook(bench, github, version);
    }
  } finally {
    violations = await stopWorld(github);
  }
  await bench.case('the simulator finds nothing wrong with how the official client handles hooks', () => assert.deepEqual(violations, []));
}

const ofRepository = ({ repos }) => ({
  type: 'Repository',
  of: SHOP,
  methods: repos,
  config: repos.getWebhookConfigForRepo,
  updateConfig: repos.updateWebhookConfigForRepo,
});

const ofOrganization = ({ orgs }) => ({
  type: 'Organization',
  of: { org: 'acme' },
  methods: orgs,
  config: orgs.getWebhookConfigForOrg,
  updateConfig: orgs.updateWebhookConfigForOrg,
});

/** One hook's life, from its creation to its end. */
class Hooks {
  constructor(bench, github, octokit, version, kind) {
    Object.assign(this, { bench, github, octokit, version, ...kind });
    this.who = `${kind.type}, ${version}`;
    this.path = `/${kind.type}/${version}`;
  }

  async judge() {
    const hook = await this.bench.case(`a hook that is created is pinged, with its signature (${this.who})`, () => this.#create());
    // All the others need it.
    if (!hook) return;
    this.hook = { ...this.of, hook_id: hook.id };
    await this.#administration(hook);
    await this.#deliveries();
    await this.#end();
  }

  #arrived(event, count = 1) {
    const wanted = ({ path, headers }) => path === this.path && headers['x-github-event'] === event;
    return this.github.receiver.wait(`${event} at ${this.path}`, wanted, count);
  }

  #body(more = {}) {
    const config = { url: this.github.receiver.at(this.path), content_type: 'json', secret: SECRET, insecure_ssl: '0' };
    return { ...this.of, name: 'web', config, events: ['workflow_run'], active: true, ...more };
  }

  async #create() {
    const { status, data } = await this.methods.createWebhook(this.#body());
    assert.equal(status, 201);
    assert.deepEqual([data.type, data.name, data.active, data.events], [this.type, 'web', true, ['workflow_run']]);
    assert.deepEqual([data.config.url, data.config.secret], [this.github.receiver.at(this.path), HIDDEN]);
    const [ping] = await this.#arrived('ping');
    assert.ok(await verify(SECRET, ping.body, ping.headers['x-hub-signature-256']));
    assert.equal(ping.headers['x-github-hook-id'], `${data.id}`);
    assert.equal(ping.headers['x-github-hook-installation-target-type'], this.type.toLowerCase());
    const payload = JSON.parse(ping.body);
    assert.deepEqual([payload.hook_id, payload.hook.type, payload.hook.config.secret], [data.id, this.type, HIDDEN]);
    assert.equal(typeof payload.zen, 'string');
    return data;
  }

  async #administration(hook) {
    const { bench, methods, who } = this;
    await bench.case(`the same hook cannot be created twice (${who})`, async () => {
      const twice = await methods.createWebhook(this.#body()).catch((error) => error);
      assert.deepEqual([twice.status, twice.response?.data.message], [422, 'Validation Failed']);
      assert.equal(twice.response.data.errors[0].message, `Hook already exists on this ${this.type.toLowerCase()}`);
    });
    await bench.case(`a hook is the same in the list and alone (${who})`, async () => {
      const { data } = await methods.getWebhook(this.hook);
      assert.deepEqual([data.id, data.config], [hook.id, hook.config]);
      const listed = await this.octokit.paginate(methods.listWebhooks, { ...this.of, per_page: 1 });
      assert.deepEqual(listed.find((one) => one.id === hook.id), data);
    });
    await bench.case(`a hook is given other events, and switched off and on (${who})`, async () => {
      const events = ['workflow_job', 'workflow_run'];
      for (const active of [false, true]) {
        const { data } = await methods.updateWebhook({ ...this.hook, events, active });
        assert.deepEqual([[...data.events].sort(), data.active], [events, active]);
      }
    });
    await bench.case(`one field of a hook's configuration changes alone, and the secret stays (${who})`, async () => {
      const { data } = await this.updateConfig({ ...this.hook, content_type: 'json' });
      assert.deepEqual([data.secret, data.content_type], [HIDDEN, 'json']);
      assert.deepEqual((await this.config(this.hook)).data, data);
      const before = (await this.#arrived('ping')).length;
      assert.equal((await methods.pingWebhook(this.hook)).status, 204);
      const ping = (await this.#arrived('ping', before + 1)).at(-1);
      assert.ok(await verify(SECRET, ping.body, ping.headers['x-hub-signature-256']));
    });
    await bench.case(`a hook cannot be created without the permission for it (${who})`, async () => {
      const app = asInstallation(this.github, this.version);
      const call = this.type === 'Repository' ? app.repos.createWebhook : app.orgs.createWebhook;
      const refusal = { status: 403, message: /^Resource not accessible by integration/ };
      await assert.rejects(call(this.#body({ events: ['push'] })), refusal);
    });
  }

  async #deliveries() {
    const { bench, methods, who } = this;
    const list = (more = {}) => this.octokit.paginate(methods.listWebhookDeliveries, { ...this.hook, ...more });
    const delivered = async (count) =>
      await until('the log', async () => {
        const all = await list();
        return all.length >= count && all;
      });
    await bench.case(`a run is told to the hook, and the log lists it, newest first and page after page (${who})`, async () => {
      await start(this.octokit, this.version, 'fails.yml');
      await this.#arrived('workflow_run', 3);
      await this.#arrived('workflow_job', 9);
      const arrived = this.github.receiver.deliveries.filter(({ path }) => path === this.path);
      const log = await delivered(arrived.length);
      assert.deepEqual(new Set(log.map((one) => one.guid)), new Set(arrived.map(({ headers }) => headers['x-github-delivery'])));
      assert.ok(log.every((one) => one.status === 'OK' && one.status_code === 202 && one.redelivery === false));
      assert.deepEqual(log.map((one) => one.id), log.map((one) => one.id).sort((one, other) => other - one));
      assert.deepEqual(await list({ per_page: 3 }), log);
    });
    await bench.case(`a delivery in the log is what arrived (${who})`, async () => {
      const listed = (await list()).find((one) => one.event === 'workflow_run' && one.action === 'completed');
      const { data } = await methods.getWebhookDelivery({ ...this.hook, delivery_id: listed.id });
      const [arrived] = this.github.receiver.deliveries.filter(
        ({ path, headers }) => path === this.path && headers['x-github-delivery'] === listed.guid,
      );
      assert.deepEqual(data.request.payload, JSON.parse(arrived.body));
      assert.equal(data.request.headers['X-Hub-Signature-256'], arrived.headers['x-hub-signature-256']);
      assert.equal(data.url, this.github.receiver.at(this.path));
    });
    const name = `a delivery that failed is found as such, and arrives under the same GUID when sent again (${who})`;
    await bench.case(name, () => this.#again(list));
  }

  async #again(list) {
    const { receiver } = this.github;
    const before = (await this.#arrived('ping')).length;
    receiver.answer = 500;
    await this.methods.pingWebhook(this.hook);
    await this.#arrived('ping', before + 1);
    const [failed] = await until('the failure', async () => {
      const found = await list({ status: 'failure' });
      return found.length > 0 && found;
    });
    receiver.answer = 202;
    assert.deepEqual([failed.event, failed.status_code], ['ping', 500]);
    const { status } = await this.methods.redeliverWebhookDelivery({ ...this.hook, delivery_id: failed.id });
    assert.equal(status, 202);
    const [first, second] = (await this.#arrived('ping', before + 2)).slice(-2);
    assert.equal(second.headers['x-github-delivery'], failed.guid);
    assert.equal(second.body, first.body);
    const redelivery = await until('the log', async () => (await list()).find((one) => one.redelivery));
    assert.deepEqual([redelivery.guid, redelivery.status], [failed.guid, 'OK']);
    assert.notEqual(redelivery.id, failed.id);
  }

  async #end() {
    await this.bench.case(`a hook that was deleted is gone, and hears nothing more (${this.who})`, async () => {
      assert.equal((await this.methods.deleteWebhook(this.hook)).status, 204);
      await assert.rejects(this.methods.getWebhook(this.hook), { status: 404 });
      const count = () => this.github.receiver.deliveries.filter(({ path }) => path === this.path).length;
      const before = count();
      const run = await start(this.octokit, this.version, 'fails.yml');
      await this.github.receiver.wait('the end of the run', ({ path, headers, body }) => {
        const { workflow_run, action } = JSON.parse(body);
        return path === '/hook' && headers['x-github-event'] === 'workflow_run' && workflow_run.id === run && action === 'completed';
      });
      assert.equal(count(), before);
    });
  }
}

async function judgeAppHook(bench, github, version) {
  const { apps, paginate } = asApp(github, version);
  await bench.case(`the App reads where its own hook points (${version})`, async () => {
    const { data } = await apps.getWebhookConfigForApp();
    assert.deepEqual([data.url, data.content_type, data.secret], [github.receiver.url, 'json', HIDDEN]);
  });
  await bench.case(`the App changes where its own hook points (${version})`, async () => {
    // As a body of its own: the client would take a parameter `url` for the address of the request.
    const { data } = await apps.updateWebhookConfigForApp({ data: { url: github.receiver.url, content_type: 'json' } });
    assert.equal(data.url, github.receiver.url);
  });
  await bench.case(`the App finds a delivery in its log, and has it sent again (${version})`, async () => {
    const run = await start(asInstallation(github, version), version, 'fails.yml');
    const told = ({ path, headers, body }) =>
      path === '/hook' && headers['x-github-event'] === 'workflow_run' && JSON.parse(body).workflow_run.id === run;
    const arrived = (await github.receiver.wait('three deliveries', told, 3)).at(-1);
    const guid = arrived.headers['x-github-delivery'];
    const listed = await until('the log', async () =>
      (await paginate(apps.listWebhookDeliveries, { per_page: 10 })).find((one) => one.guid === guid),
    );
    assert.deepEqual([listed.event, listed.action, listed.installation_id], ['workflow_run', 'completed', github.app.installations.acme]);
    const { data } = await apps.getWebhookDelivery({ delivery_id: listed.id });
    assert.deepEqual(data.request.payload, JSON.parse(arrived.body));
    assert.equal((await apps.redeliverWebhookDelivery({ delivery_id: listed.id })).status, 202);
    const twice = await github.receiver.wait('the second', ({ headers }) => headers['x-github-delivery'] === guid, 2);
    assert.equal(twice[1].body, arrived.body);
  });
}
