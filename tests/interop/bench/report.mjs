// The table at the end, and everything that went wrong above it.

import { getBorderCharacters, table } from 'table';

/** Prints all of it. True if nothing is left unexplained. */
export function report(verdicts, allowances) {
  for (const verdict of verdicts) {
    for (const { name, text } of verdict.failures) console.log(`\n✗ ${verdict.name}: ${name}\n${indent(text)}`);
    for (const { where, what, example, times } of verdict.unexplained) {
      console.log(`\n✗ ${verdict.name}: ${where}: ${what} (${times} ×)${example ? `\n${indent(example)}` : ''}`);
    }
    for (const { name, why } of verdict.skipped) console.log(`\n- ${verdict.name}: ${name} was skipped: ${why}`);
  }
  // A judge that could not look at everything may have missed what is allowed.
  const whole = verdicts.filter((verdict) => verdict.ok && verdict.skipped.length === 0).map((verdict) => verdict.name);
  const unused = allowances.unused(whole);
  for (const { judge, where } of unused) {
    console.log(`\n✗ allowed.toml: nothing differs any more for ${judge} at ${where}: remove that entry`);
  }

  const rows = verdicts.map((verdict) => [
    verdict.ok ? '✓' : '✗',
    verdict.title,
    verdict.passed,
    verdict.failures.length + verdict.unexplained.length,
    verdict.explained,
    verdict.skipped.length,
    verdict.seconds.toFixed(1),
  ]);
  console.log();
  console.log(
    table([['', 'judge', 'cases passed', 'failed', 'explained', 'skipped', 's'], ...rows], {
      border: getBorderCharacters('norc'),
      columns: { 1: { width: 64, wrapWord: true }, 2: { alignment: 'right' }, 3: { alignment: 'right' }, 4: { alignment: 'right' }, 5: { alignment: 'right' }, 6: { alignment: 'right' } },
      drawHorizontalLine: (line, lines) => line <= 1 || line === lines,
    }).trimEnd(),
  );
  const ok = verdicts.every((verdict) => verdict.ok) && unused.length === 0;
  const cases = verdicts.reduce((sum, verdict) => sum + verdict.passed, 0);
  console.log(`interop: ${ok ? 'ok' : 'FAILED'}. ${verdicts.length} judges, ${cases} cases passed`);
  return ok;
}

function indent(text) {
  return text.split('\n').map((line) => `    ${line}`).join('\n');
}
