/** Nodes that are killed under a load of every kind of write of the Cassandra door: what was acknowledged is there, and as a whole. */
import cassandra from 'cassandra-driver';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConnectionLost } from '../src/testing/connection-lost.ts';
import { CqlConnection, CqlServerError } from '../src/testing/cql/cql-connection.ts';
import { type Cluster, createCluster } from '../src/testing/index.ts';

/** More of them for evidence; three kill every node once. */
const ROUNDS = Number(process.env['FOLKMOOT_FAILOVER_ROUNDS'] ?? 3);
const PARTITIONS = 32;
const LISTS = 5;

let cluster: Cluster;
let client: cassandra.Client;

beforeAll(async () => {
  // Seldom flushes: what a killed node has on disk is old.
  cluster = await createCluster({ nodes: 3, options: { 'flush-interval-ms': 10_000 } });
  client = new cassandra.Client({
    contactPoints: cluster.nodes.map(({ host }) => host),
    // The one that all nodes have: what a driver learns of the other nodes has no port.
    protocolOptions: { port: cluster.nodes[0]?.ports.cql ?? 0 },
    localDataCenter: 'datacenter1',
    credentials: { username: 'cassandra', password: 'cassandra' },
    queryOptions: { consistency: cassandra.types.consistencies.quorum, prepare: true },
  });
  await client.connect();
  expect(client.getState().getConnectedHosts()).toHaveLength(3);
  await client.execute("CREATE KEYSPACE f WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}");
  for (const table of [
    'rows (k int, c int, v text, PRIMARY KEY (k, c))',
    'claims (k int PRIMARY KEY, owner int)',
    'lists (k int PRIMARY KEY, l list<int>)',
    'counts (k int PRIMARY KEY, n counter)',
  ]) {
    await client.execute(`CREATE TABLE f.${table}`);
  }
  await client.execute('CREATE INDEX rows_v ON f.rows (v)');
}, 60_000);

afterAll(async () => {
  await client.shutdown();
  await cluster.close();
});

class Load {
  readonly inserted: (readonly [k: number, c: number])[] = [];
  /** By key the writers that were told that they own it, and those that were not told anything. */
  readonly owners = new Map<number, number[]>();
  readonly asked = new Map<number, number[]>();
  readonly appended: number[] = [];
  readonly counted = { acknowledged: 0, unknown: 0 };
  readonly errors = new Set<string>();
  #next = 0;
  #isStopped = false;
  readonly #writers: Promise<void>[] = [];

  start(): void {
    for (let i = 0; i < 8; i += 1) this.#writers.push(this.#loop((id) => this.#insert(id)));
    for (let i = 0; i < 4; i += 1) this.#writers.push(this.#loop((id) => this.#claim(id)));
    for (let i = 0; i < 2; i += 1) this.#writers.push(this.#loop((id) => this.#append(id)));
    for (let i = 0; i < 2; i += 1) this.#writers.push(this.#loop((id) => this.#count(id)));
  }

  get acknowledged(): number {
    return this.inserted.length;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#writers);
  }

  async #loop(write: (id: number) => Promise<void>): Promise<void> {
    while (!this.#isStopped) {
      this.#next += 1;
      try {
        await write(this.#next);
      } catch (error) {
        this.errors.add(String(error).slice(0, 60));
        // Without a connection errors come at once.
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  async #insert(id: number): Promise<void> {
    const k = id % PARTITIONS;
    await client.execute('INSERT INTO f.rows (k, c, v) VALUES (?, ?, ?)', [k, id, `v${id % 7}`]);
    this.inserted.push([k, id]);
  }

  /** Four writers claim the same keys, one after the other. */
  async #claim(id: number): Promise<void> {
    const k = id >>> 3;
    this.asked.set(k, [...(this.asked.get(k) ?? []), id]);
    const reply = await client.execute('INSERT INTO f.claims (k, owner) VALUES (?, ?) IF NOT EXISTS', [k, id]);
    if (reply.first()['[applied]'] === true) this.owners.set(k, [...(this.owners.get(k) ?? []), id]);
  }

  async #append(id: number): Promise<void> {
    const parts = Array.from({ length: LISTS }, (_, k) => ({
      query: 'UPDATE f.lists SET l = l + ? WHERE k = ?',
      params: [[id], k],
    }));
    await client.batch(parts, { prepare: true, logged: true });
    this.appended.push(id);
  }

  async #count(id: number): Promise<void> {
    try {
      await client.execute('UPDATE f.counts SET n = n + 1 WHERE k = ?', [id % 8]);
      this.counted.acknowledged += 1;
    } catch (error) {
      this.counted.unknown += 1;
      throw error;
    }
  }
}

async function allRows(query: string): Promise<cassandra.types.Row[]> {
  const rows: cassandra.types.Row[] = [];
  const stream = client.stream(query, [], { prepare: true, fetchSize: 1_000 });
  for await (const row of stream as unknown as AsyncIterable<cassandra.types.Row>) rows.push(row);
  return rows;
}

/** What the appends of one batch have left, once no batch is under way any more. */
async function settledLists(): Promise<number[][]> {
  const deadline_ms = performance.now() + 30_000;
  for (;;) {
    const rows = await allRows('SELECT k, l FROM f.lists');
    const lists = rows.map((row) => [...((row['l'] ?? []) as number[])].sort((a, b) => a - b));
    const isWhole = lists.length === LISTS && lists.every((list) => list.join() === lists[0]?.join());
    if (isWhole || performance.now() > deadline_ms) return lists;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test(`nothing acknowledged is lost, done twice or torn in ${ROUNDS} rounds of killing a node`, {
  timeout: 60_000 + 30_000 * ROUNDS,
}, async () => {
  const load = new Load();
  load.start();
  const untilMore = async (): Promise<void> => {
    const enough = load.acknowledged + 200;
    while (load.acknowledged < enough) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  await untilMore();
  for (let round = 0; round < ROUNDS; round += 1) {
    const node = cluster.nodes[round % 3];
    if (node === undefined) throw new Error('a cluster of three has three nodes');
    await cluster.kill(node);
    await untilMore();
    await cluster.start(node);
    await cluster.waitFor((status) => status.nodes.every(({ alive }) => alive), { what: 'the node is back' });
    await untilMore();
  }
  await load.stop();
  for (const written of [load.inserted, load.appended, [...load.owners]]) expect(written.length).toBeGreaterThan(0);
  expect(load.counted.acknowledged).toBeGreaterThan(0);

  const found = await allRows('SELECT k, c FROM f.rows');
  const rows = new Set(found.map((row) => `${row['k']} ${row['c']}`));
  expect(load.inserted.filter(([k, c]) => !rows.has(`${k} ${c}`))).toEqual([]);
  const indexed: string[] = [];
  for (let v = 0; v < 7; v += 1) {
    for (const row of await allRows(`SELECT k, c FROM f.rows WHERE v = 'v${v}'`))
      indexed.push(`${row['k']} ${row['c']}`);
  }
  expect(indexed.sort()).toEqual([...rows].sort());

  const owners = new Map(
    (await allRows('SELECT k, owner FROM f.claims')).map((row) => [row['k'] as number, row['owner'] as number]),
  );
  for (const [k, told] of load.owners) expect([k, told]).toEqual([k, [owners.get(k)]]);
  for (const [k, owner] of owners) expect(load.asked.get(k)).toContain(owner);

  const lists = await settledLists();
  for (const list of lists) {
    expect(list).toEqual(lists[0]);
    expect(new Set(list).size).toBe(list.length);
  }
  expect(load.appended.filter((id) => !lists[0]?.includes(id))).toEqual([]);

  let count = 0;
  for (const row of await allRows('SELECT n FROM f.counts')) count += Number(row['n']);
  expect(count).toBeGreaterThanOrEqual(load.counted.acknowledged);
  expect(count).toBeLessThanOrEqual(load.counted.acknowledged + load.counted.unknown);
});

test('a node that comes back answers nothing before it knows the schema of the cluster', async () => {
  const [node] = cluster.nodes;
  if (node === undefined) throw new Error('a cluster of three has three nodes');
  await cluster.kill(node);
  await client.execute('CREATE TABLE f.meanwhile (k int PRIMARY KEY)');
  const started = cluster.start(node);
  const refusals = new Set<string>();
  for (let isAnswered = false; !isAnswered; ) {
    const connection = new CqlConnection(node.host, node.ports.cql, { user: 'cassandra', password: 'cassandra' });
    try {
      const reply = await connection.send({ statement: { text: 'SELECT k FROM f.meanwhile', values: [] } });
      isAnswered = Array.isArray(reply);
      if (reply instanceof CqlServerError) refusals.add(reply.text);
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error;
    }
    connection.close();
  }
  await started;
  expect([...refusals]).toEqual(['The node is starting']);
});
