// A long `folkmoot verify` for those who work on Folkmoot: minutes, kinds of disruptions by name, and the result in
// coverage/torture.json for the summary of the tests. Run `npm run build` first.
//
//   npm run torture -- --minutes=10 --seed=7 --nodes=5 --nemesis=kill,pause
import { randomInt } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runAndShow } from '../dist/cli/verify/run.js';
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
  },
});
const faults = values.nemesis.split(',').filter(Boolean);
const unknown = faults.filter((kind) => !FAULT_KINDS.includes(kind));
if (unknown.length > 0) {
  console.error(`torture: no such disruption: ${unknown.join(', ')}. There are ${FAULT_KINDS.join(', ')}.`);
  process.exit(2);
}
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
  print: (line) => console.log(line),
});
const { verdict, seed, total, lost, gaps, problems } = report;
writeFileSync(
  new URL('coverage/torture.json', root),
  JSON.stringify({ verdict, seed, ...total, lost, gaps, problems }),
);
process.exit(verdict === 'valid' ? 0 : verdict === 'violation' ? 1 : 3);
