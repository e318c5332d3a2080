// What GitHub really sent once: the recorded deliveries of @octokit/webhooks-examples.

import { createRequire } from 'node:module';

const examples = createRequire(import.meta.url)('@octokit/webhooks-examples/api.github.com/index.json');

/** Every place of these payloads with the types seen there: `/workflow_run/id` → `number`. */
export function shape(payloads) {
  const places = new Map();
  const walk = (value, place) => {
    if (!places.has(place)) places.set(place, new Set());
    places.get(place).add(typeOf(value));
    if (Array.isArray(value)) for (const element of value) walk(element, `${place}/*`);
    else if (value !== null && typeof value === 'object') for (const [key, inner] of Object.entries(value)) walk(inner, `${place}/${key}`);
  };
  for (const payload of payloads) walk(payload, '');
  return places;
}

/** The recorded payloads of an event. */
export function recorded(event) {
  return examples.find(({ name }) => name === event).examples;
}

function typeOf(value) {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
