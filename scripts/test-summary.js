// Adds up what the test runs have written, names every skipped test with its reason (which is in its name), says what the
// torture run has shown, and fails when anything failed.
import { readFileSync } from 'node:fs';

let passed = 0;
let failed = 0;
const skipped = [];
for (const project of ['unit', 'end-to-end']) {
  const results = JSON.parse(readFileSync(new URL(`../coverage/${project}.json`, import.meta.url), 'utf8'));
  passed += results.numPassedTests;
  failed += results.numFailedTests;
  for (const file of results.testResults) {
    for (const test of file.assertionResults) {
      if (test.status !== 'passed' && test.status !== 'failed') skipped.push(test.fullName);
    }
  }
}
for (const name of skipped) console.log(`skipped: ${name}`);
const torture = JSON.parse(readFileSync(new URL('../coverage/torture.json', import.meta.url), 'utf8'));
console.log(
  `torture: ${torture.verdict}, ${torture.operations} operations, ${torture.acknowledged} writes acknowledged, ` +
    `${torture.lost} lost, ${torture.unknown} unknown, seed ${torture.seed}`,
);
if (torture.verdict !== 'valid') failed += 1;
console.log(`${passed} passed, ${failed} failed, ${skipped.length} skipped`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
