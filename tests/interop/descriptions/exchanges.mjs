// Every exchange that was written down, one after the other.

import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

export async function* exchanges(folder) {
  for (const file of (await readdir(folder)).sort()) {
    // Not by node:readline, for which U+2028 ends a line too.
    const lines = (await readFile(join(folder, file), 'utf8')).split('\n');
    // A process that was killed leaves half a line.
    lines.pop();
    for (const line of lines) yield JSON.parse(line);
  }
}
