// Adds up what the test runs have written, names every skipped test with its reason (which is in its name), and fails when
// anything failed.
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
console.log(`${passed} passed, ${failed} failed, ${skipped.length} skipped`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
