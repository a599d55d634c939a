import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LivenessChange, LivenessOptions } from '../cluster/liveness.ts';
import { RealClock } from './real-clock.ts';
import type { WorkerLiveness } from './worker-liveness.ts';

/** A worker thread does not run from a .ts file on every Node, so these classes are compiled into a folder of the test's. */
const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'folkmoot-liveness-'));
const CLUSTER = 'c0ffee00'.repeat(4);
let Compiled: typeof WorkerLiveness;

const CHILD = `
import { RealClock } from './dist/node/real-clock.js';
import { WorkerLiveness } from './dist/node/worker-liveness.js';
const { node, epoch, host, port, peers } = JSON.parse(process.argv[2]);
const liveness = new WorkerLiveness(new RealClock());
liveness.onFailed = (error) => { throw error; };
await liveness.start({ node, epoch, clusterId: '${CLUSTER}', host, port });
liveness.setPeers(peers);
process.send('started');
process.on('message', (message) => {
  if (message.loop_ms) { const end = Date.now() + message.loop_ms; while (Date.now() < end); }
  if (message.sync) liveness.syncStarted();
  if (message.from) process.send({ from: liveness.supportFrom(message.from), for: liveness.supportFor(message.from) });
  if (message.stop) liveness.stop().then(() => process.disconnect());
});
`;

beforeAll(async () => {
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'child.js'), CHILD);
  const config = {
    extends: join(root, 'tsconfig.build.json'),
    compilerOptions: {
      outDir: join(folder, 'dist'),
      rootDir: join(root, 'src'),
      typeRoots: [join(root, 'node_modules/@types')],
      declaration: false,
      sourceMap: false,
    },
    files: ['node/real-clock.ts', 'node/worker-liveness.ts', 'cluster/liveness-worker.ts'].map((file) =>
      join(root, 'src', file),
    ),
    include: [],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const compiler = join(root, 'node_modules/@typescript/native/bin/tsc');
  const result = spawnSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' });
  expect(result.stdout).toBe('');
  const compiled = (await import(pathToFileURL(join(folder, 'dist/node/worker-liveness.js')).href)) as {
    WorkerLiveness: typeof WorkerLiveness;
  };
  Compiled = compiled.WorkerLiveness;
}, 60_000);

const running: WorkerLiveness[] = [];
const children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await Promise.all(running.splice(0).map((liveness) => liveness.stop()));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PORT = 17_071;
const peer = (node: number) => ({ node, host: `127.0.1.${node}`, port: PORT });

async function start(node: number, epoch: number, peers: readonly number[], options: Partial<LivenessOptions> = {}) {
  const liveness = new Compiled(new RealClock(), options);
  const changes: (LivenessChange & { node: number; at_ms: number })[] = [];
  liveness.onChange = (of, change) => changes.push({ node: of, at_ms: performance.now(), ...change });
  await liveness.start({ node, epoch, clusterId: CLUSTER, host: peer(node).host, port: PORT });
  running.push(liveness);
  liveness.setPeers(peers.map(peer));
  return { liveness, changes };
}

async function startChild(node: number, epoch: number, peers: readonly number[]): Promise<ChildProcess> {
  const settings = { epoch, ...peer(node), peers: peers.map(peer) };
  const child = fork(join(folder, 'child.js'), [JSON.stringify(settings)], { execArgv: [] });
  children.push(child);
  await once(child, 'message');
  return child;
}

async function until(condition: () => boolean, timeout_ms = 15_000): Promise<number> {
  const began = performance.now();
  while (!condition()) {
    if (performance.now() > began + timeout_ms) throw new Error('it did not happen in time');
    await pause(1);
  }
  return performance.now() - began;
}

const pause = (duration_ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, duration_ms));

describe('two workers', () => {
  it('support each other, and report it', async () => {
    const a = await start(1, 3, [2]);
    const b = await start(2, 5, [1]);
    await until(() => a.liveness.supportFrom(2) > 0 && b.liveness.supportFrom(1) > 0);
    expect(a.liveness.supportFrom(2)).toBe(b.liveness.supportFor(1));
    expect(b.liveness.supportFrom(1)).toBe(a.liveness.supportFor(2));
    expect([a.liveness.epochOf(2), b.liveness.epochOf(1)]).toEqual([5, 3]);
    await until(() => a.changes.some((change) => change.supported && change.node === 2 && change.epoch === 5));
    await until(() => (a.liveness.stats().peers[0]?.rtt_ms ?? 0) > 0);
    expect(a.liveness.stats().peers[0]?.rtt_ms).toBeLessThan(200);
  });

  it('stop supporting when one is blocked, and begin again in a higher generation', async () => {
    const a = await start(1, 1, [2]);
    const b = await start(2, 1, [1]);
    await until(() => a.liveness.supportFrom(2) > 0);
    const before = b.liveness.supportFor(1);
    a.liveness.block([2]);
    const lost_ms = await until(() => a.liveness.supportFrom(2) === 0);
    expect(lost_ms).toBeLessThan(1500);
    await until(() => b.changes.at(-1)?.supported === false);
    expect(b.liveness.supportFor(1)).toBe(0);
    a.liveness.block([]);
    await until(() => a.liveness.supportFrom(2) > before);
  });

  it('lose the support of the one that hears nothing, and not the other way round', async () => {
    const a = await start(1, 1, [2]);
    const b = await start(2, 1, [1]);
    await until(() => a.liveness.supportFrom(2) > 0 && b.liveness.supportFrom(1) > 0);
    a.liveness.block([], [2]);
    await until(() => b.liveness.supportFrom(1) === 0);
    expect(b.liveness.supportFor(1)).toBeGreaterThan(0);
    a.liveness.block([]);
    await until(() => b.liveness.supportFrom(1) > 0);
  });

  it('notice a restart', async () => {
    const a = await start(1, 1, [2]);
    const b = await start(2, 1, [1]);
    await until(() => a.liveness.supportFrom(2) > 0);
    const before = a.liveness.supportFrom(2);
    await b.liveness.stop();
    running.splice(running.indexOf(b.liveness), 1);
    await start(2, 2, [1]);
    await until(() => a.liveness.epochOf(2) === 2 && a.liveness.supportFrom(2) > before);
  });

  it('name a UDP port that is taken', async () => {
    await start(1, 1, []);
    const other = new Compiled(new RealClock());
    await expect(
      other.start({ node: 1, epoch: 1, clusterId: CLUSTER, host: peer(1).host, port: PORT }),
    ).rejects.toThrow(`UDP 127.0.1.1:${PORT} is already in use by another process`);
  });

  it('count time as their main threads do', async () => {
    const a = await start(1, 1, [2]);
    await start(2, 1, [1]);
    await until(() => a.liveness.supportFrom(2) > 0);
    // An answer is never from the future, which another zero of time would make of it.
    await until(() => (a.liveness.stats().peers[0]?.answersReceived ?? 0) > 5);
    expect(a.liveness.stats().malformed).toBe(0);
  });
});

describe('a process of its own', () => {
  it('loses the support of its peer while its main loop is blocked, although its worker goes on', async () => {
    const a = await start(1, 1, [2]);
    const child = await startChild(2, 1, [1]);
    await until(() => a.liveness.supportFor(2) > 0);
    const before = a.liveness.supportFor(2);
    child.send({ loop_ms: 3000 });
    const lost_ms = await until(() => a.liveness.supportFor(2) === 0);
    // One second of age, and the promise that was given last.
    expect(lost_ms).toBeGreaterThan(1000);
    expect(lost_ms).toBeLessThan(2900);
    await until(() => a.liveness.stats().peers[0]?.refused !== 0);
    // Its heartbeats never stopped.
    expect(a.liveness.stats().peers[0]?.gap_ms_worst).toBeLessThan(1500);
    await until(() => a.liveness.supportFor(2) > before);
  });

  it('loses it while an fdatasync hangs', async () => {
    const a = await start(1, 1, [2], { sync_age_ms_max: 500 });
    const child = await startChild(2, 1, [1]);
    await until(() => a.liveness.supportFor(2) > 0);
    child.send({ sync: true });
    const lost_ms = await until(() => a.liveness.supportFor(2) === 0);
    expect(lost_ms).toBeGreaterThan(500);
  });

  it('counts on nothing when it goes on after it was stopped for a while', async () => {
    const a = await start(1, 1, [2]);
    const child = await startChild(2, 1, [1]);
    await until(() => a.liveness.supportFor(2) > 0);
    await pause(200);
    child.kill('SIGSTOP');
    const lost_ms = await until(() => a.liveness.supportFor(2) === 0);
    expect(lost_ms).toBeLessThan(1600);
    const before = a.changes.length;
    child.kill('SIGCONT');
    child.send({ from: 1 });
    const [first] = (await once(child, 'message')) as [{ from: number; for: number }];
    // The engine may have been answered before main was asked: then it is a new generation, never the old one.
    if (first.from !== 0) expect(a.changes.length).toBeGreaterThan(before);
    await until(() => a.liveness.supportFor(2) > 0);
  });

  it('keeps its support while its peers are killed and come back', async () => {
    const a = await start(1, 1, [2, 3]);
    await startChild(2, 1, [1, 3]);
    const victim = await startChild(3, 1, [1, 2]);
    await until(() => a.liveness.supportFrom(2) > 0 && a.liveness.supportFrom(3) > 0);
    const generation = a.liveness.supportFrom(2);
    victim.kill('SIGKILL');
    await until(() => a.liveness.supportFor(3) === 0);
    await until(() => a.liveness.supportFrom(3) === 0);
    await startChild(3, 2, [1, 2]);
    await until(() => a.liveness.supportFrom(3) > 0);
    expect(a.liveness.epochOf(3)).toBe(2);
    expect(a.liveness.supportFrom(2)).toBe(generation);
  });
});
