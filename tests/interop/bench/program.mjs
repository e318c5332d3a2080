// A program that runs beside the judge.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** How long a program may take to print its first line, in milliseconds. */
const PATIENCE = 60_000;

export class Program {
  /** What it has printed so far, line by line. */
  lines = [];
  stderr = '';
  #child;
  #ended;
  #waiting = new Set();

  constructor(command, args, options) {
    this.#child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stderr.setEncoding('utf8').on('data', (text) => (this.stderr += text));
    const lines = createInterface({ input: this.#child.stdout });
    lines.on('line', (line) => {
      this.lines.push(line);
      this.#look();
    });
    const failed = once(this.#child, 'error').then(([error]) => (this.stderr += `${error}`));
    this.#ended = Promise.race([once(this.#child, 'close'), failed]).then(() => {
      this.over = true;
      this.#look();
    });
  }

  /** The first line that has it, also one that was printed already. Fails when the program ends before. */
  async line(matches, patience = PATIENCE) {
    const wanted = typeof matches === 'string' ? (line) => line.includes(matches) : matches;
    return await new Promise((found, failed) => {
      const give = (error) => failed(new Error(`${error}; it printed:\n${this.lines.join('\n')}\n${this.stderr}`));
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        give(`no such line within ${patience / 1000} s`);
      }, patience);
      const look = () => {
        const line = this.lines.find(wanted);
        if (line === undefined && !this.over) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        if (line === undefined) give('the program has ended');
        else found(line);
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** Its first line, as JSON. */
  async firstJson() {
    return JSON.parse(await this.line(() => true));
  }

  /** All of its lines so far, as JSON. */
  get json() {
    return this.lines.map((line) => JSON.parse(line));
  }

  /** Tells it to stop as a user would, and waits until it has. Returns its exit code. */
  async stop() {
    if (!this.over) {
      this.#child.kill('SIGTERM');
      const kill = setTimeout(() => this.#child.kill('SIGKILL'), 10_000);
      await this.#ended;
      clearTimeout(kill);
    }
    return this.#child.exitCode;
  }

  #look() {
    for (const look of [...this.#waiting]) look();
  }
}
