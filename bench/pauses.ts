/**
 * How long the event loop of a node stands still while large values are written or read: `npm run bench:pauses`. The longest delay of each
 * second, as the node itself measures it (`nodejs_eventloop_lag_max_seconds`): the time between two rounds of a timer of 10 ms, so a pause
 * is up to 10 ms shorter, and an idle node has 10.
 *
 * One node is looked at, and it gets the processors whenever it wants them: the other nodes and the clients run at the lowest priority. So a
 * pause is the node's own doing and not its wait for a processor; what it does on other threads is in it as far as cores are short.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, type ClusterNode, createCluster } from 'folkmoot/testing';
import { Redis } from 'ioredis';
import { Flags } from './options.ts';

const flags = Flags.parse('Measures how long the event loop of a node stands still.', {
  rounds: { default: '2', help: 'of each row, each with a new cluster' },
  seconds: { default: '10', help: 'how long a row is measured' },
  out: { default: '', help: 'a file for the results as JSON' },
});

interface Row {
  readonly node: 'alone' | 'leader' | 'follower';
  readonly command: 'SET' | 'GET';
  readonly bytes: number;
  readonly clients: number;
}

const NODES = ['alone', 'leader', 'follower'] as const;
const LOADS = [
  { command: 'SET', bytes: 10_000_000, clients: 1 },
  { command: 'SET', bytes: 10_000_000, clients: 4 },
  { command: 'SET', bytes: 100_000, clients: 16 },
  { command: 'SET', bytes: 1_000, clients: 50 },
  { command: 'GET', bytes: 10_000_000, clients: 4 },
] as const;

const pauses = new Map<string, number[]>();
for (let round = 0; round < flags.number('rounds'); round++) {
  for (const node of NODES) await measureAll(node);
}
report();

async function measureAll(node: Row['node']): Promise<void> {
  const cluster = await createCluster({ nodes: node === 'alone' ? 1 : 3 });
  try {
    await untilSpread(cluster);
    const [first, second] = cluster.nodes as [ClusterNode, ClusterNode];
    const watched = node === 'follower' ? second : first;
    for (const other of cluster.nodes) if (other !== watched) letWait(other.pid ?? 0);
    for (const load of LOADS) await measure({ node, ...load }, first, watched);
  } finally {
    await cluster.close();
  }
}

/** Leaders go to their places after a start. */
async function untilSpread(cluster: Cluster): Promise<void> {
  await cluster.waitFor(
    ({ tablets, nodes }) => {
      const led = nodes.map(({ id }) => tablets.filter(({ leader }) => leader === id).length);
      return Math.max(...led) - Math.min(...led) <= 1;
    },
    { what: 'leaders on all nodes', timeout_ms: 60_000 },
  );
}

/** All threads of the process; those that come later are as the one that makes them. */
function letWait(pid: number): void {
  for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), constants.priority.PRIORITY_LOW);
}

async function measure(row: Row, target: ClusterNode, watched: ClusterNode): Promise<void> {
  const clients = Array.from({ length: row.clients }, () => connect(target));
  letWait(process.pid);
  const value = Buffer.alloc(row.bytes, 'x');
  const keys = await keysOf(clients[0] as Redis, row.clients);
  for (const key of keys) await clients[0]?.set(key, value);
  let isOver = false;
  const loads = clients.map(async (client, index) => {
    const key = keys[index] as string;
    while (!isOver) await (row.command === 'SET' ? client.set(key, value) : client.getBuffer(key));
  });
  await longestPause(watched);
  for (let second = 0; second < flags.number('seconds'); second++) {
    await sleep(1_000);
    note(row, await longestPause(watched));
  }
  isOver = true;
  await Promise.all(loads);
  for (const client of clients) client.disconnect();
}

function connect({ host, ports }: ClusterNode): Redis {
  return new Redis({ host, port: ports.redis, username: 'folkmoot', password: 'folkmoot' });
}

/** Such that the node leads their tablets. */
async function keysOf(client: Redis, count: number): Promise<string[]> {
  const keys: string[] = [];
  for (let index = 0; keys.length < count; index++) {
    const key = `key:${index}`;
    const isLed = await client.set(key, '').then(
      () => true,
      () => false,
    );
    if (isLed) keys.push(key);
  }
  return keys;
}

/** Since it was asked last, ms. */
async function longestPause({ host, ports }: ClusterNode): Promise<number> {
  const text = await (await fetch(`http://${host}:${ports.admin}/metrics`)).text();
  const found = /^nodejs_eventloop_lag_max_seconds\S* (\S+)/m.exec(text);
  if (found === null) throw new Error('the node has no nodejs_eventloop_lag_max_seconds');
  return Number(found[1]) * 1_000;
}

function note({ node, command, bytes, clients }: Row, pause_ms: number): void {
  const name = `${node} | ${command} of ${bytes.toLocaleString('en')} bytes, ${clients}`;
  pauses.set(name, [...(pauses.get(name) ?? []), pause_ms]);
}

function report(): void {
  process.stdout.write(
    '| node | operation, clients | longest pause of a second, ms: median | least to most | seconds |\n',
  );
  process.stdout.write('|---|---|---|---|---|\n');
  for (const [name, list] of pauses) {
    const sorted = list.toSorted((a, b) => a - b);
    const at = (part: number): string => (sorted[Math.floor(part * (sorted.length - 1))] ?? 0).toFixed(0);
    process.stdout.write(`| ${name} | ${at(0.5)} | ${at(0)} to ${at(1)} | ${sorted.length} |\n`);
  }
  if (flags.text('out') !== '') writeFileSync(flags.text('out'), JSON.stringify(Object.fromEntries(pauses), null, 2));
}
