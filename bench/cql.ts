/**
 * The Cassandra door against Apache Cassandra, side by side: `npm run bench:cql -- --cassandra=FOLDER`. Each call adds its rounds to
 * those in the result file, so that a measurement may be made in pieces. The report says how to read it (docs/performance/cql.md).
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CQL_POINTS, CqlLoad, type CqlPoint, type CqlResult, type LoadSettings } from './cql/load.ts';
import { cqlTables } from './cql/report.ts';
import type { CqlResults, CqlSide } from './cql/results.ts';
import type { Endpoint } from './load/client.ts';
import { describeMachine, makeWorkFolder } from './measure/machine.ts';
import { Flags } from './options.ts';
import { CassandraCluster } from './servers/cassandra.ts';
import { endServersWithThisProcess } from './servers/child.ts';
import { FolkmootCluster } from './servers/folkmoot.ts';

/** bench/dist/ is two folders below the package. */
const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

const flags = Flags.parse('Measures the Cassandra door of Folkmoot beside Apache Cassandra.', {
  cassandra: {
    default: '',
    help: 'folder with the jars of Apache Cassandra in lib/; only Folkmoot is measured without',
  },
  nodes: { default: '3', help: 'nodes of each side, all with every row' },
  heap: { default: '2048', help: 'MiB of heap of each Cassandra node' },
  clients: { default: '64', help: 'statements under way at a time' },
  rounds: { default: '3', help: 'rounds of every point' },
  seconds: { default: '5', help: 'how long a point is measured' },
  'warmup-seconds': { default: '1', help: 'how long a point runs before' },
  'start-seconds': { default: '8', help: 'load of each kind after a start, for the compilers of both' },
  only: { default: '', help: `${CQL_POINTS.join(', ')}; all when left out` },
  side: { default: '', help: 'folkmoot or cassandra; both when left out' },
  out: { default: '', help: 'the folder of cql.json and cql-tables.md; a new one when left out' },
  root: { default: REPOSITORY, help: 'the built package to measure' },
});

const root = flags.text('root');
const nodeCount = flags.number('nodes');
const points = CQL_POINTS.filter((point) => flags.list('only').length === 0 || flags.list('only').includes(point));
const folder = makeWorkFolder(root, undefined);
const settings: LoadSettings = {
  clients: flags.number('clients'),
  warmup_ms: flags.number('warmup-seconds') * 1_000,
  window_ms: flags.number('seconds') * 1_000,
};

interface Servers {
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

async function main(): Promise<void> {
  endServersWithThisProcess(() => rmSync(folder, { recursive: true, force: true }));
  const out = flags.text('out') || join(root, 'bench', 'results');
  const file = join(out, `cql-${nodeCount}.json`);
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as CqlResults) : undefined;
  const results: CqlResults = before ?? {
    machine: describeMachine(root, folder),
    nodes: nodeCount,
    clients: settings.clients,
    seconds: flags.number('seconds'),
    rounds: { folkmoot: {}, cassandra: {} },
  };
  const whyNot = CassandraCluster.whyNot(flags.text('cassandra'));
  if (whyNot !== undefined) console.log(`Apache Cassandra is not measured: ${whyNot}`);
  const wants = (side: CqlSide): boolean => flags.text('side') === '' || flags.text('side') === side;
  if (wants('folkmoot')) {
    const cluster = await FolkmootCluster.create({ root, folder: join(folder, 'folkmoot'), nodeCount });
    await measureSide('folkmoot', cluster, cluster.cqlNodes, results);
  }
  if (whyNot === undefined && wants('cassandra')) {
    const cluster = await CassandraCluster.create({
      home: flags.text('cassandra'),
      folder: join(folder, 'cassandra'),
      nodeCount,
      heap_mib: flags.number('heap'),
    });
    await measureSide('cassandra', cluster, cluster.nodes, results);
  }
  mkdirSync(out, { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, null, 1)}\n`);
  const tables = cqlTables(results);
  writeFileSync(join(out, `cql-${nodeCount}.md`), tables);
  console.log(`\n${tables}`);
}

async function measureSide(
  side: CqlSide,
  servers: Servers,
  nodes: readonly Endpoint[],
  { rounds }: CqlResults,
): Promise<void> {
  const load = await CqlLoad.open(nodes, root);
  for (const point of points) {
    await load.measure(point, servers.pids, {
      ...settings,
      warmup_ms: flags.number('start-seconds') * 1_000,
      window_ms: 1,
    });
  }
  for (let round = 0; round < flags.number('rounds'); round++) {
    for (const point of points) {
      const result = await load.measure(point, servers.pids, settings);
      const all: Partial<Record<CqlPoint, CqlResult[]>> = rounds[side];
      all[point] = [...(all[point] ?? []), result];
      const { opsPerSecond, p99_us, serverCpu_us, errors, errorSample } = result;
      const wrong = errors === 0 ? '' : `  ${errors} errors: ${errorSample}`;
      console.log(
        `${side.padEnd(10)} ${point.padEnd(7)} ${opsPerSecond.toFixed(0).padStart(7)}/s  p99 ${(p99_us / 1_000).toFixed(1).padStart(6)} ms  ` +
          `servers ${serverCpu_us.toFixed(0)} us/op${wrong}`,
      );
    }
  }
  load.close();
  await servers.stop();
}

await main();
process.exit(0);
