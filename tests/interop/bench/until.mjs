import { setTimeout as sleep } from 'node:timers/promises';

/** Looks again and again until there is something to return. */
export async function until(what, look, seconds = 20) {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > end) throw new Error(`waited ${seconds} s in vain for ${what}`);
    await sleep(25);
  }
}
