// Where the descriptions come from.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Description } from './description.mjs';

/** The versions of GitHub's API that are supported today; the first is what a request without the header gets. */
export const GITHUB_VERSIONS = ['2022-11-28', '2026-03-10'];

/** GitHub's own description (OpenAPI, with all references replaced). */
export async function githubDocument() {
  const file = createRequire(import.meta.url).resolve('@octokit/openapi/generated/api.github.com.deref.json');
  return JSON.parse(await readFile(file, 'utf8'));
}

/** The same for each version, ready to judge. */
export async function githubDescriptions() {
  const document = await githubDocument();
  const errors = document.paths['/repos/{owner}/{repo}'].get.responses['404'];
  return new Map(GITHUB_VERSIONS.map((version) => [version, new Description(document, { version, errors })]));
}

/**
 * Port's own description. It is not part of this project, so the file need not be there: nothing then. The variable
 * PORT_OPENAPI names it.
 */
export async function portDocument(bench) {
  const named = process.env.PORT_OPENAPI;
  try {
    return JSON.parse(await readFile(named ?? join(bench.here, '../../../shared/data/port-openapi-slice.json'), 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT' && !named) return undefined;
    throw error;
  }
}

/** The same, ready to judge. */
export async function portDescription(bench) {
  const document = await portDocument(bench);
  return document && new Description(document, { errors: document.paths['/v1/actions/runs/{run_id}'].get.responses['404'] });
}
