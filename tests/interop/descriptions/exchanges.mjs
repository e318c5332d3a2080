// Every exchange that was written down, one after the other.

import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export async function* exchanges(folder) {
  for (const file of (await readdir(folder)).sort()) {
    for await (const line of createInterface({ input: createReadStream(join(folder, file)) })) {
      // A process that was killed leaves half a line.
      if (line.endsWith('}')) yield JSON.parse(line);
    }
  }
}
