/** Bound values that are no values of their types, or just so: whatever is answered, none meets a defect (0x0000), and what was stored can be read. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startDoor, type TestDoor } from './test-door.test-support.ts';
import type { BoundValue, Prepared, WireClient } from './wire-client.test-support.ts';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 400);
const TYPES = [
  ...[
    'ascii',
    'bigint',
    'blob',
    'boolean',
    'date',
    'decimal',
    'double',
    'duration',
    'float',
    'inet',
    'int',
    'smallint',
  ],
  ...['text', 'time', 'timestamp', 'timeuuid', 'tinyint', 'uuid', 'varint', 'vector<float, 2>', 'tuple<int, text>'],
  ...[
    'list<int>',
    'set<text>',
    'map<int, text>',
    'frozen<list<varint>>',
    'frozen<map<text, frozen<set<int>>>>',
    'pair',
  ],
  ...['frozen<pair>'],
];
/** Of types that may be ordered. */
const KEYS = ['int', 'text', 'decimal', 'varint', 'timeuuid', 'inet', 'frozen<list<varint>>', 'tuple<int, text>'];

let door: TestDoor;
let client: WireClient;
const inserts: Prepared[] = [];
const selects: Prepared[] = [];

async function prepared(text: string): Promise<Prepared> {
  const answer = await client.prepare(text);
  if ('id' in answer) return answer;
  throw new Error(answer.join());
}

beforeAll(async () => {
  door = await startDoor(1);
  client = await door.connect();
  await client.query("CREATE KEYSPACE v WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
  await client.query('USE v');
  await client.query('CREATE TYPE pair (a int, b frozen<list<text>>)');
  const columns = TYPES.map((type, index) => `c${index} ${type}`).join(', ');
  await client.query(`CREATE TABLE all_types (k int PRIMARY KEY, ${columns})`);
  for (const index of TYPES.keys()) inserts.push(await prepared(`INSERT INTO all_types (k, c${index}) VALUES (1, ?)`));
  for (const [index, type] of KEYS.entries()) {
    await client.query(`CREATE TABLE key${index} (p ${type}, c ${type}, v int, PRIMARY KEY (p, c))`);
    inserts.push(await prepared(`INSERT INTO key${index} (p, c, v) VALUES (?, ?, 1)`));
    selects.push(await prepared(`SELECT * FROM key${index} WHERE p = ? AND c >= ?`));
  }
  for (const text of ['SELECT k FROM all_types LIMIT ?', 'UPDATE all_types USING TTL ? SET c10 = 1 WHERE k = 1']) {
    selects.push(await prepared(text));
  }
});
afterAll(() => door.stop());

const bytes = fc.uint8Array({ maxLength: 24 }).map((value) => Buffer.from(value));
/** Lengths and counts that are nearly right, before bytes that are not. */
const counted = fc
  .tuple(fc.integer({ min: -3, max: 3 }), fc.array(fc.tuple(fc.integer({ min: -2, max: 9 }), bytes), { maxLength: 3 }))
  .map(([count, elements]) => {
    const int = (value: number): Buffer => {
      const four = Buffer.alloc(4);
      four.writeInt32BE(value);
      return four;
    };
    return Buffer.concat([int(count), ...elements.flatMap(([length, value]) => [int(length), value])]);
  });
const value: fc.Arbitrary<BoundValue> = fc.oneof(bytes, counted, fc.constant(null), fc.constant(undefined));

it('no value meets a defect', { timeout: 60_000 + 200 * RUNS }, async () => {
  const statements = [...inserts, ...selects];
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: statements.length - 1 }), value, value, async (index, one, other) => {
      const statement = statements[index] as Prepared;
      const [first = ''] = await client.execute(statement, [one, other].slice(0, statement.variables.length));
      expect(first).not.toMatch(/^error 0000/);
      for (const select of ['SELECT *', 'SELECT JSON *']) {
        const [told = ''] = await client.query(`${select} FROM all_types`);
        expect(told).not.toMatch(/^error/);
      }
    }),
    { numRuns: RUNS },
  );
});
