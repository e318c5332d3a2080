// What the simulated GitHub delivers, before the schemas of deliveries, deliveries that GitHub really sent, and a receiver
// that others have built.

import { recorded, shape } from '../deliveries/recorded.mjs';
import { headerCases } from '../deliveries/headers.mjs';
import { lifeCases } from '../deliveries/life.mjs';
import { play, SECRET, simulate } from '../deliveries/play.mjs';
import { Receiver } from '../deliveries/receiver.mjs';
import { openapi, webhooksSchemas } from '../deliveries/schemas.mjs';

export const title = '@octokit/webhooks, its schemas and GitHub\'s OpenAPI description before the simulated deliveries';

export async function judge(bench) {
  const authorities = [webhooksSchemas(), openapi()];
  const conclusions = authorities[1].values('workflow_run', 'completed', ['workflow_run', 'conclusion']).filter((one) => one !== null);
  const receiver = await Receiver.open(SECRET);
  try {
    const github = await simulate(bench, receiver, conclusions);
    const runs = await bench.case('every run is told to its end', () => play(receiver, github, conclusions));
    if (!runs) return;
    await bench.case('every delivery is judged by two schemas', () => bySchema(bench.verdict, receiver.signed, authorities));
    await bench.case('every delivery is compared with those that GitHub sent', () => byRecording(bench.verdict, receiver.signed));
    await headerCases(bench, receiver, github, authorities[1].headers);
    await lifeCases(bench, receiver, runs, conclusions);
  } finally {
    await receiver.close();
  }
}

/** What both schemas find is wrong. What only one of them finds is a difference between the two. */
function bySchema(verdict, deliveries, authorities) {
  for (const { headers, payload } of deliveries) {
    const event = headers['x-github-event'];
    const found = authorities.map((authority) => authority.judge(event, payload));
    const same = (one, other) => one.place === other.place && one.what === other.what;
    for (const [number, findings] of found.entries()) {
      for (const finding of findings) {
        const both = found[1 - number].some((other) => same(finding, other));
        if (both && number === 1) continue;
        const who = both ? 'both' : `${authorities[number].name} alone`;
        verdict.difference(`${event} ${payload.action} ${finding.place}`, `${who}: ${finding.what}`, finding.text);
      }
    }
  }
}

/** Keys that every object like it had, and types that nothing in this place ever had. */
function byRecording(verdict, deliveries) {
  for (const event of ['workflow_run', 'workflow_job']) {
    const ours = shape(deliveries.filter(({ headers }) => headers['x-github-event'] === event).map(({ payload }) => payload));
    const theirs = shape(recorded(event));
    for (const place of theirs.keys()) {
      const above = place.slice(0, place.lastIndexOf('/'));
      const isLacking = !ours.has(place) && !place.endsWith('/*') && ours.has(above);
      if (isLacking) verdict.difference(`recorded ${event} ${place}`, 'GitHub sent this key, the simulator never does');
    }
    for (const [place, types] of ours) {
      const other = [...types].filter((type) => theirs.has(place) && !theirs.get(place).has(type));
      if (other.length > 0) verdict.difference(`recorded ${event} ${place}`, `GitHub never sent ${other.join(', ')} here`);
    }
  }
}
