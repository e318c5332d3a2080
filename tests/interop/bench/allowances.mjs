// Differences that are known and right as they are, each with one line that says why (`allowed.toml`).

import { readFile } from 'node:fs/promises';
import { parse } from 'smol-toml';

export class Allowances {
  #entries;

  constructor(entries) {
    this.#entries = entries.map((entry, index) => {
      for (const key of ['judge', 'where', 'why']) {
        if (typeof entry[key] !== 'string') throw new Error(`allowed.toml, entry ${index + 1}: ${key} is missing`);
      }
      return { ...entry, used: false };
    });
  }

  static async load(url) {
    return new Allowances(parse(await readFile(url, 'utf8')).allow ?? []);
  }

  /** The reason why this difference is right, if there is one. In `where`, `*` stands for anything; `what` is optional text in the difference. */
  explain(judge, where, what) {
    const entry = this.#entries.find((entry) => entry.judge === judge && matches(entry.where, where) && what.includes(entry.what ?? ''));
    if (entry) entry.used = true;
    return entry?.why;
  }

  /** Entries of these judges that explained nothing: they are out of date. */
  unused(judges) {
    return this.#entries.filter((entry) => !entry.used && judges.includes(entry.judge));
  }
}

function matches(pattern, where) {
  const pieces = pattern.split('*').map((piece) => piece.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${pieces.join('.*')}$`).test(where);
}
