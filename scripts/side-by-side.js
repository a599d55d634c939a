// Runs npm scripts at the same time, for those that leave the cores idle while they wait, and prints what each has said when it has
// ended. Exit code 1 when one of them fails; the others still run to their end.
//
//   node scripts/side-by-side.js test:sim test:torture

import { spawn } from 'node:child_process';

const results = await Promise.all(process.argv.slice(2).map(run));
process.exit(results.every((code) => code === 0) ? 0 : 1);

function run(script) {
  return new Promise((resolve) => {
    const child = spawn('npm', ['run', '--silent', script], { stdio: ['ignore', 'pipe', 'pipe'] });
    const output = [];
    child.stdout.on('data', (chunk) => output.push(chunk));
    child.stderr.on('data', (chunk) => output.push(chunk));
    child.once('close', (code) => {
      process.stdout.write(`\n${script}: ${code === 0 ? 'passed' : `failed with exit code ${code}`}\n`);
      process.stdout.write(Buffer.concat(output));
      resolve(code);
    });
  });
}
