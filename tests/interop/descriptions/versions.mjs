// GitHub describes one version of its API and adds, at each place where another version differs, the change that leads
// there: a JSON Patch (RFC 6902) or a merge patch (RFC 7396).

import jsonPatch from 'fast-json-patch';
import mergePatch from 'json-merge-patch';

const CHANGES = 'x-github-breaking-changes';

/** This part of the description as it is in a version of the API. Examples are left out. */
export function inVersion(node, version) {
  if (Array.isArray(node)) return node.map((item) => inVersion(item, version));
  if (node === null || typeof node !== 'object') return node;
  const { [CHANGES]: changes, example, examples, ...rest } = node;
  let result = rest;
  for (const { patch } of listed(changes).filter((change) => change.version === version)) {
    result = Array.isArray(patch) ? jsonPatch.applyPatch(structuredClone(result), patch).newDocument : mergePatch.apply(structuredClone(result), patch);
  }
  return Object.fromEntries(Object.entries(result).map(([key, value]) => [key, inVersion(value, version)]));
}

// A schema may also have a property of this name.
function listed(changes) {
  return Array.isArray(changes) ? changes : [];
}
