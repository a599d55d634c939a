/** The Cassandra driver of Node.js, unmodified, on three real nodes. */
import cassandra from 'cassandra-driver';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Cluster, createCluster } from '../src/testing/index.ts';

let cluster: Cluster;
let client: cassandra.Client;

function connect(user = 'cassandra', password = user): cassandra.Client {
  return new cassandra.Client({
    contactPoints: cluster.nodes.map(({ host }) => host),
    // The one that all nodes have: what a driver learns of the other nodes has no port.
    protocolOptions: { port: cluster.nodes[0]?.ports.cql ?? 0 },
    localDataCenter: 'datacenter1',
    credentials: { username: user, password },
    pooling: { warmup: true },
  });
}

/** All rows, page after page. The driver's types do not say that its stream is one. */
function rowsOf(query: string, fetchSize: number): AsyncIterable<cassandra.types.Row> {
  return client.stream(query, [], { prepare: true, fetchSize }) as unknown as AsyncIterable<cassandra.types.Row>;
}

beforeAll(async () => {
  cluster = await createCluster({ nodes: 3 });
  client = connect();
  await client.connect();
  await client.execute("CREATE KEYSPACE app WITH replication = {'class': 'NetworkTopologyStrategy', 'datacenter1': 3}");
}, 60_000);

afterAll(async () => {
  await client.shutdown();
  await cluster.close();
});

test('it sees all nodes, and a wrong password is refused', async () => {
  expect(client.hosts.length).toBe(3);
  expect(client.getState().getConnectedHosts()).toHaveLength(3);
  const stranger = connect('cassandra', 'wrong');
  await expect(stranger.connect()).rejects.toMatchObject({ message: expect.stringContaining('tried') });
  await stranger.shutdown();
});

test('prepared statements with every kind of value come back as they were', async () => {
  await client.execute('CREATE TYPE app.point (x double, y double)');
  await client.execute(`CREATE TABLE app.everything (
    id timeuuid PRIMARY KEY, a ascii, b bigint, c blob, d boolean, e date, f decimal, g double, h float, i inet, j int,
    k smallint, l time, m timestamp, n tinyint, o uuid, p varint, q list<text>, r map<text, frozen<point>>, s set<int>,
    t tuple<int, text>, u duration)`);
  const { types } = cassandra;
  const values: Record<string, unknown> = {
    id: types.TimeUuid.now(),
    a: 'ascii',
    b: types.Long.fromString('-9007199254740993'),
    c: Buffer.from([0, 255, 1]),
    d: true,
    e: types.LocalDate.fromString('2024-02-29'),
    f: types.BigDecimal.fromString('-12345.678900'),
    g: 0.1,
    h: 0.5,
    i: types.InetAddress.fromString('2001:db8::1'),
    j: -5,
    k: 300,
    l: types.LocalTime.fromString('23:59:59.999999999'),
    m: new Date('2024-01-01T00:00:00.123Z'),
    n: -128,
    o: types.Uuid.random(),
    p: types.Integer.fromString('123456789012345678901234567890'),
    q: ['b', 'a', 'b'],
    r: { here: { x: 1, y: 2 } },
    s: [1, 2, 3],
    t: new types.Tuple(7, 'seven'),
    u: types.Duration.fromString('1y2mo3d4h5m6s'),
  };
  const names = Object.keys(values);
  const insert = `INSERT INTO app.everything (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`;
  await client.execute(insert, Object.values(values), { prepare: true });
  const row = (
    await client.execute('SELECT * FROM app.everything WHERE id = ?', [values['id']], { prepare: true })
  ).first();
  for (const name of names) expect(String(row.get(name)), name).toBe(String(values[name]));
});

test('ten thousand rows come in pages, in both orders, and as groups', { timeout: 60_000 }, async () => {
  await client.execute('CREATE TABLE app.log (part int, at int, text text, PRIMARY KEY (part, at))');
  const rows = Array.from({ length: 10_000 }, (_, i) => [i % 3, i, `line ${i}`]);
  const insert = 'INSERT INTO app.log (part, at, text) VALUES (?, ?, ?)';
  await cassandra.concurrent.executeConcurrent(client, insert, rows, { concurrencyLevel: 200 });
  const seen = new Set<number>();
  for await (const row of rowsOf('SELECT at, text FROM app.log', 900)) {
    expect(row['text']).toBe(`line ${row['at']}`);
    seen.add(row['at']);
  }
  expect(seen.size).toBe(10_000);
  const down = await client.execute('SELECT at FROM app.log WHERE part = 1 ORDER BY at DESC LIMIT 3');
  expect(down.rows.map((row) => row['at'])).toEqual([9_997, 9_994, 9_991]);
  const groups = await client.execute('SELECT part, count(*) AS n, max(at) AS last FROM app.log GROUP BY part');
  expect(new Map(groups.rows.map((row) => [row['part'], [Number(row['n']), row['last']]]))).toEqual(
    new Map([
      [0, [3_334, 9_999]],
      [1, [3_333, 9_997]],
      [2, [3_333, 9_998]],
    ]),
  );
});

describe('when a node is killed under load', () => {
  test('no acknowledged row is lost, and the driver goes on by itself', { timeout: 90_000 }, async () => {
    await client.execute('CREATE TABLE app.acknowledged (id int PRIMARY KEY, value text)');
    const insert = 'INSERT INTO app.acknowledged (id, value) VALUES (?, ?)';
    const acknowledged: number[] = [];
    let next = 0;
    let stopping = false;
    const writer = async (): Promise<void> => {
      while (!stopping) {
        const id = next++;
        try {
          await client.execute(insert, [id, `value ${id}`], { prepare: true, isIdempotent: true });
          acknowledged.push(id);
        } catch {
          // Unknown, or refused while there was no leader: it may be there or not. A driver without any connection refuses at
          // once, and without this pause its timers and sockets would never get their turn.
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
    };
    const writers = Array.from({ length: 8 }, writer);
    const until = async (count: number): Promise<void> => {
      while (acknowledged.length < count) await new Promise((resolve) => setTimeout(resolve, 10));
    };
    await until(300);
    const [victim] = cluster.nodes;
    if (victim === undefined) throw new Error('there are three nodes');
    await cluster.kill(victim);
    const atKill = acknowledged.length;
    await until(atKill + 600);
    stopping = true;
    await Promise.all(writers);
    await cluster.start(victim);
    const found = new Set<number>();
    for await (const row of rowsOf('SELECT id FROM app.acknowledged', 2_000)) found.add(row['id']);
    expect(acknowledged.filter((id) => !found.has(id))).toEqual([]);
  });
});
