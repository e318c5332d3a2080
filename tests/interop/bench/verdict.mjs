// What one judge found: cases that passed, failed or could not be judged, and differences between its view and ours.

export class Verdict {
  /** Seconds that the judge took. */
  seconds = 0;
  passed = 0;
  /** Differences that `allowed.toml` explains. */
  explained = 0;
  failures = [];
  skipped = [];
  #differences = new Map();

  constructor(name, title, allowances) {
    this.name = name;
    this.title = title;
    this.allowances = allowances;
  }

  pass() {
    this.passed += 1;
  }

  fail(name, error) {
    this.failures.push({ name, text: error?.stack ?? String(error) });
  }

  /** Says that something could not be judged here, and why. */
  skip(name, why) {
    this.skipped.push({ name, why });
  }

  /**
   * A difference between the judge's view and ours. `where` names the place so that it can be allowed
   * (`github dispatch 422 response /message`); `what` says what differs; `example` shows it. The same difference
   * at the same place counts once.
   */
  difference(where, what, example = '') {
    const key = `${where}: ${what}`;
    const seen = this.#differences.get(key);
    if (seen) {
      seen.times += 1;
      return;
    }
    const allowed = this.allowances.explain(this.name, where, what);
    this.#differences.set(key, { where, what, example, times: 1, allowed });
    if (allowed) this.explained += 1;
  }

  /** Differences that nothing explains. */
  get unexplained() {
    return [...this.#differences.values()].filter((difference) => !difference.allowed);
  }

  get ok() {
    return this.failures.length === 0 && this.unexplained.length === 0;
  }
}
