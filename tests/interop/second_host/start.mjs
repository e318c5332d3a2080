// Starting a run: what each kind of failure lets a host do next.

/** How often an unknown outcome is looked into, and a server that cannot be reached is asked again. */
const ATTEMPTS = 3;
const TRIES = 12;

/**
 * Starts a run. Returns what the plugin said in the end. `taken` tells the external ids of other runs, `wait` takes
 * seconds. The runs of one partition key go through here one by one; the caller sees to that.
 */
export async function start(plugin, installation, run, { taken = () => [], wait }) {
  const firstBegan = BigInt(Date.now());
  const tally = { number: 1, unavailable: 0, unauthorized: 0 };
  for (;;) {
    const attempt = { number: tally.number, firstBegan, taken: taken() };
    const answer = await dispatch(plugin, installation, run, attempt);
    const pause = answer.err && after(answer.err, tally);
    if (pause === undefined) return answer;
    await wait(pause);
  }
}

async function dispatch(plugin, installation, run, attempt) {
  try {
    return await plugin.call('dispatch', installation, run, attempt);
  } catch (stopped) {
    const { requestSent = true, message } = stopped;
    return { err: { kind: { tag: requestSent ? 'ambiguous' : 'internal' }, code: 'stopped', message, requestSent } };
  }
}

/** Seconds until the next try, or undefined if there is none. */
function after({ kind, requestSent }, tally) {
  switch (kind.tag) {
    case 'rate-limited':
      return kind.val ?? 60;
    case 'unavailable':
      tally.unavailable += 1;
      return tally.unavailable <= TRIES ? Math.min(2 ** tally.unavailable, 60) : undefined;
    case 'unauthorized':
      tally.unauthorized += 1;
      return tally.unauthorized === 1 ? 0 : undefined;
    case 'ambiguous':
      return lookFirst(tally);
    case 'other':
      return requestSent ? lookFirst(tally) : undefined;
    case 'internal':
      // From the second attempt on, this says nothing of what an earlier one has started.
      return tally.number > 1 ? lookFirst(tally) : undefined;
    default:
      return undefined;
  }
}

/** A higher number tells the plugin to look for the run before it sends anything. */
function lookFirst(tally) {
  if (tally.number >= ATTEMPTS) return undefined;
  tally.number += 1;
  return 2;
}
