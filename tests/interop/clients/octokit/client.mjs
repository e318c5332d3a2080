// The clients that the judge uses: with the token that the simulator prints, and as the App with its real key.

import { createAppAuth } from '@octokit/auth-app';
import { Octokit } from '@octokit/rest';

export const VERSIONS = ['2022-11-28', '2026-03-10'];
export const SHOP = { owner: 'acme', repo: 'shop' };

const quiet = { debug() {}, info() {}, warn: console.warn, error() {} };

/** A client that asks for that version in each request, also for tokens. */
function client(github, version, options) {
  const octokit = new Octokit({ baseUrl: github.apiUrl, log: quiet, userAgent: 'interop', ...options });
  octokit.hook.before('request', (request) => {
    if (version) request.headers['x-github-api-version'] = version;
  });
  return octokit;
}

export function withToken(github, version, auth = github.token) {
  return client(github, version, { auth });
}

export function withoutToken(github, version) {
  return client(github, version, {});
}

/** The App itself. Its id and its client id are equally good as the issuer. */
export function asApp(github, version, appId = github.app.id) {
  return client(github, version, { authStrategy: createAppAuth, auth: { appId, privateKey: github.key } });
}

export function asInstallation(github, version, account = 'acme') {
  const auth = { appId: github.app.id, privateKey: github.key, installationId: github.app.installations[account] };
  return client(github, version, { authStrategy: createAppAuth, auth });
}

/** Every way to come that must make no difference: `[name, version, octokit]`. */
export function clients(github) {
  return VERSIONS.flatMap((version) => [
    [`token, ${version}`, version, withToken(github, version)],
    [`App, ${version}`, version, asInstallation(github, version)],
  ]);
}
