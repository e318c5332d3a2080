// Where the descriptions come from.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Description } from './description.mjs';

/** The versions of GitHub's API that are supported today; the first is what a request without the header gets. */
export const GITHUB_VERSIONS = ['2022-11-28', '2026-03-10'];

/** GitHub's own description, for each version. */
export async function githubDescriptions() {
  const file = createRequire(import.meta.url).resolve('@octokit/openapi/generated/api.github.com.deref.json');
  const document = JSON.parse(await readFile(file, 'utf8'));
  return new Map(GITHUB_VERSIONS.map((version) => [version, new Description(document, version)]));
}

/** The file with Port's published description: it is not part of this project, so it need not be there. */
export function portFile(bench) {
  return process.env.PORT_OPENAPI ?? join(bench.here, '../../../shared/data/port-openapi-slice.json');
}

/** Port's own description, or nothing where the file is not there. */
export async function portDescription(bench) {
  try {
    return new Description(JSON.parse(await readFile(portFile(bench), 'utf8')));
  } catch (error) {
    if (error.code === 'ENOENT' && !process.env.PORT_OPENAPI) return undefined;
    throw error;
  }
}
