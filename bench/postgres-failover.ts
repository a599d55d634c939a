/**
 * How long nobody can write to PostgreSQL when something happens to its primary: `npm run bench:postgres-failover -- --rounds=20`. Clients write
 * through every node and connect again when they are told to; the outage is the longest time between two acknowledgements. At the end every
 * acknowledged row is looked for on every node.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Cluster, type ClusterNode, createCluster } from 'folkmoot/testing';
import pg from 'pg';
import { Flags } from './options.ts';

const flags = Flags.parse('Measures the outage of writes to PostgreSQL.', {
  rounds: { default: '20', help: 'of each kind' },
  writers: { default: '6', help: 'clients that write' },
  kinds: { default: 'postgres,node,pause,switchover', help: 'what happens' },
  out: { default: '', help: 'a file for the results as JSON' },
  logs: { default: '', help: 'a folder that exists, for the logs of the nodes' },
});

const WHOLE_MS = 240_000;
const CALM_MS = 500;

interface Round {
  readonly kind: string;
  readonly outage_ms: number;
  readonly errors: Readonly<Record<string, number>>;
}

class Writers {
  readonly acknowledged = new Set<number>();
  errors: Record<string, number> = {};
  outage_ms = 0;
  isStopped = false;
  #last_ms = performance.now();
  #next = 1;
  /** Of `goHome`. */
  #homecoming = 0;
  readonly #cluster: Cluster;
  readonly ended: Promise<unknown>;

  constructor(cluster: Cluster, count: number) {
    this.#cluster = cluster;
    this.ended = Promise.all(Array.from({ length: count }, (_, index) => this.#write(index)));
  }

  mark(): void {
    this.errors = {};
    this.outage_ms = 0;
    this.#last_ms = performance.now();
  }

  /** The same number of them at every node, as at the beginning: nobody writes while all are at the one that is disturbed. */
  goHome(): void {
    this.#homecoming += 1;
  }

  async #write(index: number): Promise<void> {
    let client: pg.Client | null = null;
    let homecoming = 0;
    for (let turn = index; !this.isStopped; ) {
      if (homecoming !== this.#homecoming) {
        homecoming = this.#homecoming;
        turn = index;
        await client?.end().catch(() => undefined);
        client = null;
      }
      const nodes = this.#cluster.nodes.filter(({ running, paused }) => running && !paused);
      const node = nodes[turn % nodes.length];
      try {
        if (node !== undefined) client ??= await connect(node);
        const id = this.#next++;
        await client?.query('INSERT INTO ledger VALUES ($1)', [id]);
        this.#noteAcknowledged(id);
      } catch (error) {
        const name = error instanceof pg.DatabaseError ? (error.code ?? '') : String(error);
        this.errors[name] = (this.errors[name] ?? 0) + 1;
        void client?.end().catch(() => undefined);
        client = null;
        turn++;
      }
      await sleep(2);
    }
    await client?.end().catch(() => undefined);
  }

  #noteAcknowledged(id: number): void {
    this.acknowledged.add(id);
    const now_ms = performance.now();
    this.outage_ms = Math.max(this.outage_ms, now_ms - this.#last_ms);
    this.#last_ms = now_ms;
  }
}

const logFolder = flags.text('logs');
const cluster = await createCluster({
  nodes: 3,
  options: { postgres: 'on' },
  startTimeout_ms: WHOLE_MS,
  ...(logFolder === '' ? {} : { logFolder }),
});
try {
  await untilWhole();
  const [first] = cluster.nodes as [ClusterNode];
  await run(first, 'CREATE TABLE ledger (id int PRIMARY KEY)');
  const writers = new Writers(cluster, flags.number('writers'));
  const rounds: Round[] = [];
  for (let round = 1; round <= flags.number('rounds'); round++) {
    for (const kind of flags.list('kinds')) {
      const primary = await untilWhole();
      writers.goHome();
      await sleep(CALM_MS);
      writers.mark();
      const before = await epoch();
      await disturb(kind, primary);
      await cluster.waitFor(({ postgres }) => (postgres?.epoch ?? 0) > before && postgres?.availability === 'serving', {
        timeout_ms: WHOLE_MS,
      });
      // The outage is over when somebody is told that something was written.
      const { size } = writers.acknowledged;
      while (writers.acknowledged.size < size + 5) await sleep(5);
      rounds.push({ kind, outage_ms: writers.outage_ms, errors: writers.errors });
      process.stdout.write(`${round} ${kind}: ${writers.outage_ms.toFixed(0)} ms ${JSON.stringify(writers.errors)}\n`);
      if (!primary.running) await cluster.start(primary);
      if (primary.paused) await cluster.resume(primary);
    }
  }
  writers.isStopped = true;
  await writers.ended;
  await untilWhole();
  const lost = await Promise.all(cluster.nodes.map((node) => lostOn(node, writers.acknowledged)));
  report(rounds, writers.acknowledged.size, lost);
} finally {
  await cluster.close();
}

function report(rounds: readonly Round[], acknowledged: number, lost: readonly number[]): void {
  for (const kind of new Set(rounds.map((round) => round.kind))) {
    const outages = rounds.filter((round) => round.kind === kind).map(({ outage_ms }) => outage_ms);
    outages.sort((a, b) => a - b);
    const at = (part: number): string => (outages[Math.floor(part * (outages.length - 1))] ?? 0).toFixed(0);
    process.stdout.write(`${kind}: median ${at(0.5)} ms, least ${at(0)}, most ${at(1)}, of ${outages.length}\n`);
  }
  process.stdout.write(`acknowledged ${acknowledged}, lost ${lost.join(', ')} on the three nodes\n`);
  if (flags.text('out') !== '')
    writeFileSync(flags.text('out'), JSON.stringify({ rounds, acknowledged, lost }, null, 2));
  if (lost.some((count) => count > 0)) process.exitCode = 1;
}

async function disturb(kind: string, primary: ClusterNode): Promise<void> {
  if (kind === 'node') await cluster.kill(primary);
  else if (kind === 'pause') cluster.pause(primary);
  else if (kind === 'postgres') {
    const file = join(primary.dataFolder, 'postgres', 'data', 'postmaster.pid');
    process.kill(Number(readFileSync(file, 'utf8').split('\n')[0]), 'SIGKILL');
  } else {
    const url = `http://${primary.host}:${primary.ports.admin}/api/postgres/switchover`;
    const reply = await fetch(url, { method: 'POST', body: '{}' });
    if (!reply.ok) throw new Error(await reply.text());
  }
}

async function untilWhole(): Promise<ClusterNode> {
  let primary: ClusterNode | undefined;
  await cluster.waitFor(
    async () => {
      // One that has just gone on tells for a while what was so before it stood still.
      const views = await Promise.all(cluster.nodes.map((node) => cluster.status(node)));
      const [first, ...others] = views.map(({ postgres }) => postgres);
      primary = cluster.nodes.find(({ id }) => id === first?.primary);
      const isWhole = [first, ...others].every(
        (group) =>
          group?.availability === 'serving' && group.servers.filter(({ role }) => role === 'standby').length === 2,
      );
      return isWhole && others.every((group) => group?.epoch === first?.epoch);
    },
    { what: 'a primary and two standbys', timeout_ms: WHOLE_MS },
  );
  if (primary === undefined) throw new Error('the primary is no node');
  return primary;
}

async function epoch(): Promise<number> {
  return (await cluster.status()).postgres?.epoch ?? 0;
}

async function connect(node: ClusterNode): Promise<pg.Client> {
  const { host, ports } = node;
  // A node that stands still answers nothing: its clients go elsewhere.
  const patience = { connectionTimeoutMillis: 15_000, query_timeout: 3_000 };
  const login = { user: 'postgres', password: 'postgres', database: 'postgres', ...patience };
  const client = new pg.Client({ host, port: ports.postgres, ...login });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function run(node: ClusterNode, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = await connect(node);
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function lostOn(node: ClusterNode, acknowledged: ReadonlySet<number>): Promise<number> {
  const rows = new Set((await run(node, 'SELECT id FROM ledger')).map(({ id }) => Number(id)));
  return [...acknowledged].filter((id) => !rows.has(id)).length;
}

function sleep(duration_ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, duration_ms));
}
