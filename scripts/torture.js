// A long `folkmoot verify` for those who work on Folkmoot: minutes, kinds of disruptions by name, and the result in
// coverage/torture.json for the summary of the tests. Run `npm run build` first.
//
//   npm run torture -- --minutes=10 --seed=7 --nodes=5 --nemesis=kill,pause

import { spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runAndShow } from '../dist/cli/verify/run.js';
import { dropNamespaces, makeNamespaces } from '../dist/testing/torture/namespaces.js';
import { FAULT_KINDS } from '../dist/testing/torture/plan.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string', default: '0' },
    nodes: { type: 'string', default: '3' },
    nemesis: { type: 'string', default: FAULT_KINDS.join(',') },
    clients: { type: 'string', default: '2' },
    out: { type: 'string' },
    sabotage: { type: 'string' },
    // The name of the namespace that this process is the router of; it gives it to itself.
    router: { type: 'string' },
    // Neither namespaces nor mounted disks, although they are to be had.
    plain: { type: 'boolean', default: false },
  },
});
const faults = values.nemesis.split(',').filter(Boolean);
const unknown = faults.filter((kind) => !FAULT_KINDS.includes(kind));
if (unknown.length > 0) {
  console.error(`torture: no such disruption: ${unknown.join(', ')}. There are ${FAULT_KINDS.join(', ')}.`);
  process.exit(2);
}
const isRoot = !values.plain && process.getuid?.() === 0;
if (isRoot && values.router === undefined && spawnSync('ip', ['netns', 'list']).status === 0) {
  process.exit(await runInRouter());
}
const SPARE_NODES = 3;
const network =
  values.router === undefined
    ? {}
    : { network: await makeNamespaces(values.router, Number(values.nodes) + SPARE_NODES) };
const root = new URL('../', import.meta.url);
mkdirSync(new URL('coverage/', root), { recursive: true });
const report = await runAndShow({
  seed: Number(values.seed) || randomInt(1, 2 ** 31),
  seconds: Math.max(2, Math.round(Number(values.minutes) * 60)),
  nodes: Number(values.nodes),
  clients: Number(values.clients),
  faults,
  out: values.out,
  ...(values.sabotage === undefined ? {} : { sabotage: values.sabotage }),
  disks: isRoot,
  ...network,
  print: (line) => console.log(line),
});
const { verdict, seed, total, lost, gaps, problems } = report;
writeFileSync(
  new URL('coverage/torture.json', root),
  JSON.stringify({ verdict, seed, ...total, lost, gaps, problems }),
);
process.exit(verdict === 'valid' ? 0 : verdict === 'violation' ? 1 : 3);

/** Runs this script again in a network namespace of its own, which then routes between those of the nodes. */
async function runInRouter() {
  const router = `folkmoot${process.pid}`;
  const made = spawnSync('ip', ['netns', 'add', router]);
  if (made.status !== 0) {
    console.error(
      `torture: no network namespaces (${String(made.stderr).trim()}); the nodes cut the network themselves`,
    );
    return runAgain(process.execPath, ['--plain']);
  }
  try {
    return await runAgain('ip', ['netns', 'exec', router, process.execPath], [`--router=${router}`]);
  } finally {
    await dropNamespaces(router);
  }
}

function runAgain(program, before, after = []) {
  const self = fileURLToPath(import.meta.url);
  const [first, rest] = program === process.execPath ? [[], before] : [before, after];
  const child = spawn(program, [...first, self, ...process.argv.slice(2), ...rest], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => child.on('close', (code) => resolve(code ?? 3)));
}
