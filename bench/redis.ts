/**
 * Folkmoot against the Redis of this machine, side by side in one run: `npm run bench:redis -- --rounds=5 --seconds=5`.
 * What is measured, and how the result is to be read, is said in the report that this writes (docs/performance/redis.md).
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pause } from './load/run.ts';
import { failoverRound } from './measure/failover.ts';
import { describeMachine, makeWorkFolder, output } from './measure/machine.ts';
import { measureFootprint } from './measure/memory.ts';
import { fill, fillWith, measurePoint, POINTS, type Point } from './measure/points.ts';
import { fillForRedisBenchmark, runRedisBenchmark } from './measure/redis-benchmark.ts';
import { startFolkmoot, startRedisCluster } from './measure/startup.ts';
import { TYPE_FILLS, TYPE_POINTS } from './measure/type-points.ts';
import { Flags } from './options.ts';
import { reportText } from './report.ts';
import type { Results } from './results.ts';
import { endServersWithThisProcess } from './servers/child.ts';
import type { Deployment } from './servers/deployment.ts';
import { FolkmootCluster } from './servers/folkmoot.ts';
import { ReplicatedRedis } from './servers/redis.ts';
import { folkmootVictims, redisVictims, type VictimSet } from './servers/victims.ts';

/** bench/dist/ is two folders below the package. */
const SETTLE_MS = 12_000;
const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

const flags = Flags.parse('Measures Folkmoot against the redis-server of this machine, side by side.', {
  suite: { default: 'main', help: 'main, or types: collections, 1,000 connections, large values' },
  rounds: { default: '5', help: 'rounds of every point of load, the sides in turn' },
  seconds: { default: '5', help: 'how long a point is measured' },
  'warmup-seconds': { default: '2', help: 'how long a point runs before' },
  'start-seconds': { default: '10', help: 'load before the first point after a start of Folkmoot, for its compiler' },
  keys: { default: '1000000', help: 'keys of 16 + 64 bytes to begin with' },
  only: { default: '', help: 'beginnings of names: set, get-50, incr, memory, startup, failover; all when left out' },
  'load-processes': { default: '1', help: 'processes that make the load' },
  'startup-rounds': { default: '5', help: 'starts of each kind' },
  'failover-rounds': { default: '10', help: 'kills of each kind' },
  'failover-slow-rounds': { default: '3', help: 'kills in the Redis Cluster with its default time-out of 15 s' },
  data: { default: '', help: 'where to put the data; a folder in the temporary folder, if that is on a disk' },
  out: { default: '', help: 'where to write redis.json and redis.md; docs/performance for a run without --only' },
  root: { default: REPOSITORY, help: 'the built package to measure' },
});

const root = flags.text('root');
const suite = flags.text('suite') === 'types' ? 'types' : 'main';
const suitePoints = suite === 'types' ? TYPE_POINTS : POINTS;
const keyCount = flags.number('keys');
const only = flags.list('only');
const folder = makeWorkFolder(root, flags.text('data') || undefined);
const results: Results = {
  format: 1,
  suite,
  machine: describeMachine(root, folder),
  settings: {
    rounds: flags.number('rounds'),
    seconds: flags.number('seconds'),
    warmupSeconds: flags.number('warmup-seconds'),
    keyCount,
    loadProcesses: flags.number('load-processes'),
  },
  points: [],
  footprint: {},
  startup: { folkmootUp: [], redisCluster: [] },
  failover: [],
};

function wanted(name: string): boolean {
  return only.length === 0 || only.some((beginning) => name.startsWith(beginning));
}

async function main(): Promise<void> {
  endServersWithThisProcess(() => rmSync(folder, { recursive: true, force: true }));
  if (output('redis-server', '--version') === '') throw new Error('redis-server is needed (Debian: redis-server)');
  const { machine } = results;
  say(`Folkmoot ${machine.commit}, Redis ${machine.redis}, Node ${machine.node}, data on ${machine.filesystem}`);
  if (machine.coresBusyBefore > 0.2)
    say(`${machine.coresBusyBefore.toFixed(1)} cores are busy: something else is running`);
  await measureLoad();
  if (suite === 'main' && wanted('startup')) await measureStartup();
  if (suite === 'main' && wanted('failover')) await measureFailover();
  write();
}

async function measureLoad(): Promise<void> {
  const points = suitePoints.filter(({ name }) => wanted(name));
  if (points.length === 0 && !wantsFootprint()) return;
  const folkmoot = await FolkmootCluster.create({ root, folder: join(folder, 'folkmoot'), nodeCount: 3 });
  await prepare(folkmoot, async () => undefined);
  await folkmoot.stop();
  const redis = await ReplicatedRedis.create(join(folder, 'redis'));
  await prepare(redis, () => redis.rewriteLogs());
  for (const point of points) {
    results.points.push({
      point,
      rounds: { folkmoot: [], redis: [] },
      redisBenchmark: { folkmoot: [], redis: [] },
    });
  }
  for (let round = 0; points.length > 0 && round < results.settings.rounds; round++) {
    // Alternating who is first, so that a machine that gets slower favours nobody.
    const sides = round % 2 === 0 ? [folkmoot, redis] : [redis, folkmoot];
    for (const side of sides) await measureRound(side, points, round);
  }
  await redis.stop();
}

/** Points hold their commands, and those their values, of up to 10 MB. */
function shortened(_name: string, value: unknown): unknown {
  const isLong = typeof value === 'string' && value.length > 200;
  return isLong ? `${value.slice(0, 20)}... (${value.length})` : value;
}

function wantsFootprint(): boolean {
  return suite === 'main' && wanted('memory');
}

async function prepare(target: Deployment, compact: () => Promise<void>): Promise<void> {
  if (suite === 'types') {
    for (const each of TYPE_FILLS) {
      const { seconds, errors } = await fillWith(target, each, keyCount);
      say(`${target.side}: ${each.shape.command[0]} in ${seconds.toFixed(1)} s, ${errors} errors`);
    }
    return;
  }
  if (wantsFootprint()) {
    const footprint = await measureFootprint(target, keyCount, compact);
    results.footprint[target.side] = footprint;
    const rss = footprint.loaded.map((node) => Math.round(node.rss_bytes / 2 ** 20));
    say(`${target.side}: ${keyCount} keys in ${footprint.fillSeconds.toFixed(1)} s, RSS ${rss.join(' + ')} MiB`);
  } else {
    const { seconds } = await fill(target, keyCount);
    say(`${target.side}: ${keyCount} keys in ${seconds.toFixed(1)} s`);
  }
  if (suitePoints.some(({ name }) => wanted(name))) await fillForRedisBenchmark(target);
}

/**
 * Folkmoot's nodes are stopped while Redis is measured: idle, they use some CPU for heartbeats and ticks. An idle Redis
 * uses next to none and stays, since its replicas would need a full copy after a restart.
 */
async function measureRound(target: Deployment, points: readonly Point[], round: number): Promise<void> {
  const { settings } = results;
  const times = { warmup_ms: settings.warmupSeconds * 1_000, window_ms: settings.seconds * 1_000 };
  if (target.side === 'folkmoot') await target.start();
  await warmUp(target, points);
  // What that has written goes to the store within ten seconds, and is no cost of the first point.
  await pause(SETTLE_MS);
  for (const point of points) {
    const result = await measurePoint(target, point, keyCount, times, settings.loadProcesses);
    const kept = results.points.find((each) => each.point === point);
    kept?.rounds[target.side].push(result);
    const faults = result.errors + result.waitShort > 0 ? `  ${result.errors} errors ${result.errorSamples[0]}` : '';
    const cpu = result.serverCpu_us.map((value) => value.toFixed(1)).join('+');
    say(
      `round ${round + 1} ${target.side.padEnd(8)} ${point.name.padEnd(10)} ${result.opsPerSecond.toFixed(0).padStart(8)}/s` +
        `  p50 ${result.p50_us} p99 ${result.p99_us} max ${result.max_us} us` +
        `  cpu/op ${cpu} client ${result.clientCpu_us.toFixed(1)} us${faults}`,
    );
    const requests = Math.round(result.opsPerSecond * settings.seconds);
    const witness = await runRedisBenchmark(target, point, requests);
    if (witness !== undefined) kept?.redisBenchmark[target.side].push(witness);
  }
  if (target.side === 'folkmoot') await target.stop();
}

/**
 * In its first seconds of load a JavaScript process spends much of its time on compiling; servers run for weeks, so that is
 * kept out of the points. Redis gets the same load.
 */
async function warmUp(target: Deployment, points: readonly Point[]): Promise<void> {
  const kinds = [
    ...new Map(points.filter(({ clients }) => clients >= 50).map((each) => [each.shape.command[0], each])).values(),
  ];
  const times = { warmup_ms: 0, window_ms: (flags.number('start-seconds') * 1_000) / kinds.length };
  if (times.window_ms > 0) for (const point of kinds) await measurePoint(target, point, keyCount, times);
}

async function measureStartup(): Promise<void> {
  const { folkmootUp, redisCluster } = results.startup;
  for (let round = 0; round < flags.number('startup-rounds'); round++) {
    folkmootUp.push(await startFolkmoot(root, join(folder, `up-${round}`)));
    redisCluster.push(await startRedisCluster(join(folder, `redis-cluster-${round}`)));
    say(
      `start ${round + 1}: folkmoot ${JSON.stringify(folkmootUp.at(-1))}, redis ${JSON.stringify(redisCluster.at(-1))}`,
    );
  }
}

async function measureFailover(): Promise<void> {
  const rounds = flags.number('failover-rounds');
  const slow = flags.number('failover-slow-rounds');
  await killRounds('Folkmoot, 3 nodes, SET', rounds, 0, () => folkmootVictims(root, join(folder, 'kill-folkmoot')));
  const redis = (nodeTimeout_ms: number, replicasPerMaster: number) => () =>
    redisVictims({
      folder: join(folder, `kill-redis-${nodeTimeout_ms}-${replicasPerMaster}`),
      nodeTimeout_ms,
      replicasPerMaster,
    });
  await killRounds('Redis Cluster 3 + 3, time-out 500 ms, SET', rounds, 0, redis(500, 1));
  // With one replica a master, WAIT 1 could not be met until the killed server is back.
  await killRounds('Redis Cluster 3 + 6, time-out 500 ms, SET + WAIT 1', rounds, 1, redis(500, 2));
  await killRounds('Redis Cluster 3 + 3, time-out 15 s (its default), SET', slow, 0, redis(15_000, 1));
}

async function killRounds(
  name: string,
  count: number,
  waitReplicas: number,
  create: () => Promise<VictimSet>,
): Promise<void> {
  if (count === 0) return;
  const kept = { name, rounds: [] as Awaited<ReturnType<typeof failoverRound>>[] };
  results.failover.push(kept);
  const victims = await create();
  const options = { writers: 12, waitReplicas, before_ms: 1_000, after_ms: 500, timeout_ms: 60_000 };
  try {
    for (let round = 0; round < count; round++) {
      const result = await failoverRound(victims, round, options);
      kept.rounds.push(result);
      say(`kill ${round + 1}: ${name}: ${JSON.stringify(result)}`);
    }
  } finally {
    await victims.stop();
  }
}

function write(): void {
  const text = reportText(results);
  const wantedOut = flags.text('out');
  const out = wantedOut !== '' ? wantedOut : only.length === 0 ? join(root, 'docs', 'performance') : '';
  if (out === '') {
    console.log(`\n${text}`);
    return;
  }
  mkdirSync(out, { recursive: true });
  const name = suite === 'types' ? 'redis-types' : 'redis';
  writeFileSync(join(out, `${name}.json`), `${JSON.stringify(results, shortened, 1)}\n`);
  writeFileSync(join(out, `${name}.md`), text);
  say(`written: ${join(out, `${name}.md`)}`);
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
