// GitHub's own JavaScript client against the simulated GitHub.

import assert from 'node:assert/strict';
import { Octokit } from '@octokit/rest';

export const title = '@octokit/rest as a user of the simulated GitHub';

export async function judge(bench) {
  const github = await bench.simulateGithub();
  const octokit = new Octokit({ auth: github.token, baseUrl: github.apiUrl });
  await bench.case('lists workflows', async () => {
    const { data } = await octokit.actions.listRepoWorkflows({ owner: 'acme', repo: 'shop' });
    assert.equal(data.total_count, 1);
  });
}
