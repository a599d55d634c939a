/**
 * The gateway of the PostgreSQL door against what it replaces, side by side in one run: `npm run bench:postgres -- --rounds=3 --seconds=5`.
 * pgbench through each of: nothing (direct), the gateway, PgBouncer, HAProxy before PgBouncer. What counts is the CPU time that each
 * spends on a transaction, and how many transactions there are.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describeMachine, makeWorkFolder, output } from './measure/machine.ts';
import { cpuOf_ms } from './measure/processes.ts';
import { Flags } from './options.ts';
import { type PostgresRound, postgresReport } from './postgres-report.ts';
import { endServersWithThisProcess } from './servers/child.ts';
import { PostgresServers, postgresProgram, type Way } from './servers/postgres.ts';

const execute = promisify(execFile);
/** bench/dist/ is two folders below the package. */
const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

const flags = Flags.parse('Measures the gateway of the PostgreSQL door against PgBouncer and HAProxy, side by side.', {
  rounds: { default: '3', help: 'rounds of every row, the ways in turn' },
  seconds: { default: '5', help: 'how long a row is measured' },
  clients: { default: '16', help: 'clients of pgbench' },
  scale: { default: '10', help: 'of the tables of pgbench' },
  standbys: { default: '2', help: 'for the run on the read port; 0 leaves it out' },
  data: { default: '', help: 'where to put the data; a folder in the temporary folder, if that is on a disk' },
  out: { default: '', help: 'where to write postgres.json and postgres.md' },
  root: { default: REPOSITORY, help: 'the built package to measure' },
});

const root = flags.text('root');
const folder = makeWorkFolder(root, flags.text('data') || undefined);
const servers = new PostgresServers(join(folder, 'postgres'));
const rounds: PostgresRound[] = [];

/** Arguments of pgbench. PgBouncer of Debian 12 knows no prepared statements, so those are measured without it. */
const LOADS = [
  { name: 'read, simple', args: ['-S', '-M', 'simple'], isPrepared: false },
  { name: 'read, prepared', args: ['-S', '-M', 'prepared'], isPrepared: true },
  { name: 'TPC-B-like, simple', args: ['-M', 'simple'], isPrepared: false },
];

async function main(): Promise<void> {
  endServersWithThisProcess(() => rmSync(folder, { recursive: true, force: true }));
  const machine = describeMachine(root, folder);
  if (machine.coresBusyBefore > 0.2)
    say(`${machine.coresBusyBefore.toFixed(1)} cores are busy: something else is running`);
  await servers.startPrimary();
  const direct = await servers.direct();
  await pgbench(direct, ['-i', '-q', '-s', flags.text('scale')]);
  for (let i = 1; i <= flags.number('standbys'); i += 1) await servers.startStandby(`standby${i}`);
  const { main: gateway, read } = await servers.gateway(root);
  const pgbouncer = await servers.pgbouncer();
  const ways = [direct, gateway, pgbouncer, await servers.haproxy(pgbouncer)];
  // The compiler of JavaScript has most of its work in the first seconds; servers run for weeks.
  for (const { args } of LOADS) await pgbench(gateway, ['-n', '-c', flags.text('clients'), '-T', '3', ...args]);
  for (let round = 0; round < flags.number('rounds'); round += 1) {
    for (const load of LOADS) {
      // Alternating who is first, so that a machine that gets slower favours nobody.
      const order = round % 2 === 0 ? ways : [...ways].reverse();
      for (const way of order) {
        if (!load.isPrepared || !way.name.includes('PgBouncer')) await measure(way, load.name, load.args, round);
      }
    }
    if (flags.number('standbys') > 0) await measure(read, 'read, simple', ['-S', '-M', 'simple'], round);
  }
  await servers.stop();
  const settings = { clients: flags.number('clients'), seconds: flags.number('seconds'), scale: flags.number('scale') };
  const versions = {
    postgres: output(postgresProgram('postgres'), '--version'),
    pgbouncer: output('pgbouncer', '--version').split('\n')[0] ?? '',
    haproxy: /version (\S+)/.exec(output('haproxy', '-v'))?.[1] ?? '',
  };
  const text = postgresReport({ machine, versions, settings, standbys: flags.number('standbys'), rounds });
  const out = flags.text('out');
  if (out === '') console.log(`\n${text}`);
  else {
    mkdirSync(out, { recursive: true });
    writeFileSync(
      join(out, 'postgres.json'),
      `${JSON.stringify({ format: 1, machine, versions, settings, rounds }, undefined, 1)}\n`,
    );
    writeFileSync(join(out, 'postgres.md'), text);
    say(`written: ${join(out, 'postgres.md')}`);
  }
}

async function measure(way: Way, load: string, args: readonly string[], round: number): Promise<void> {
  const before = way.pids.map(cpuOf_ms);
  const said = await pgbench(way, ['-n', '-c', flags.text('clients'), '-T', flags.text('seconds'), ...args]);
  const transactions = Number(/actually processed: (\d+)/.exec(said)?.[1] ?? 0);
  const cpu_us = way.pids.map((pid, index) => ((cpuOf_ms(pid) - (before[index] ?? 0)) * 1_000) / transactions);
  const result = {
    way: way.name,
    load,
    round,
    transactionsPerSecond: Number(/tps = ([\d.]+)/.exec(said)?.[1] ?? 0),
    latency_ms: Number(/latency average = ([\d.]+)/.exec(said)?.[1] ?? 0),
    cpu_us,
  };
  rounds.push(result);
  const cpu = cpu_us.map((value) => value.toFixed(1)).join(' + ');
  say(
    `round ${round + 1} ${load.padEnd(20)} ${way.name.padEnd(20)} ${result.transactionsPerSecond.toFixed(0).padStart(7)}/s  cpu ${cpu} us`,
  );
}

async function pgbench(way: Way, args: readonly string[]): Promise<string> {
  const place = ['-h', way.host, '-p', String(way.port), '-U', 'postgres', 'postgres'];
  const { stdout } = await execute(postgresProgram('pgbench'), [...args, ...place]);
  return stdout;
}

function say(text: string): void {
  console.log(text);
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
