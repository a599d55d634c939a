// Checks that imports between the folders of src/ only point down and that there are no cycles (docs/ARCHITECTURE.md, Layers).
import { cruise } from 'dependency-cruiser';

// A layer may import itself and those after it.
const layers = [
  ['cli'],
  ['testing'],
  ['node'],
  ['doors', 'admin', 'pg'],
  ['cluster'],
  ['tablet'],
  ['storage'],
  ['raft'],
  ['base'],
];

const forbidden = [
  { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
  {
    name: 'doors-are-strangers',
    severity: 'error',
    from: { path: '^src/doors/([^/]+)/' },
    to: { path: '^src/doors/', pathNot: '^src/doors/$1/' },
  },
  {
    name: 'raft-is-pure',
    severity: 'error',
    from: { path: '^src/raft/', pathNot: '\\.test' },
    to: { pathNot: '^src/(raft|base)/' },
  },
  {
    name: 'only-node-touches-the-world',
    severity: 'error',
    from: { path: '^src/(raft|tablet|storage|cluster)/', pathNot: '(\\.test|test-support|liveness-worker|lmdb-store)' },
    to: { path: '^(node:)?(fs|net|dgram|child_process|timers|worker_threads)' },
  },
];
for (const [level, folders] of layers.entries()) {
  const above = layers.slice(0, level).flat();
  const beside = (folder) => folders.filter((other) => other !== folder);
  for (const folder of folders) {
    const banned = [...above, ...beside(folder)];
    if (banned.length === 0) continue;
    forbidden.push({
      name: `${folder}-points-down`,
      severity: 'error',
      from: { path: `^src/${folder}/`, pathNot: '\\.test' },
      to: { path: `^src/(${banned.join('|')})/` },
    });
  }
}

const result = await cruise(['src'], {
  ruleSet: { forbidden },
  validate: true,
  tsPreCompilationDeps: true,
  doNotFollow: { path: 'node_modules' },
  enhancedResolveOptions: { extensions: ['.ts', '.js'] },
});
const { modules, summary } = result.output;
const own = modules.filter((module) => module.source.startsWith('src/'));
if (own.length < 10 || !own.some((module) => module.dependencies.length > 0)) {
  console.error(`layers: only ${own.length} modules seen; the checker does not see the source`);
  process.exit(1);
}
for (const violation of summary.violations)
  console.error(`layers: ${violation.rule.name}: ${violation.from} -> ${violation.to}`);
console.log(`layers: ${own.length} modules, ${summary.violations.length} violations`);
process.exit(summary.violations.length === 0 ? 0 : 1);
