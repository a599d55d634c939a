import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type DataType, Native, type NativeName, sameType, typeText } from '../types/data-type.ts';
import { describe as describeSchema } from './describe.ts';
import { type TableRecord, type TypeRecord, tableOf, typeOf } from './records.ts';
import { SchemaRig } from './schema.test-support.ts';
import { withoutSlots } from './slot-ranges.ts';
import { type FindsType, parseStoredType, withoutUserTypes } from './type-syntax.ts';

const PERSON: TypeRecord = {
  format: 1,
  keyspace: 'ks',
  name: 'Per son',
  fields: [
    { name: 'name', type: 'text' },
    { name: 'phones', type: 'map<text, int>' },
  ],
};
const find: FindsType = (_keyspace, name) => (name === PERSON.name ? typeOf(PERSON, () => undefined) : undefined);

const NATIVES = (Object.keys(Native) as NativeName[]).filter((name) => name !== 'counter' && name !== 'duration');

/** Types as columns may have them: what is inside something is frozen. */
const frozenType: fc.Arbitrary<DataType> = fc.letrec<{ type: DataType }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(...NATIVES).map((name): DataType => Native[name]),
    tie('type').map((element): DataType => ({ kind: 'list', element, frozen: true })),
    tie('type').map((element): DataType => ({ kind: 'set', element, frozen: true })),
    fc.tuple(tie('type'), tie('type')).map(([key, value]): DataType => ({ kind: 'map', key, value, frozen: true })),
    fc.array(tie('type'), { minLength: 1, maxLength: 3 }).map((elements): DataType => ({ kind: 'tuple', elements })),
    fc
      .tuple(tie('type'), fc.integer({ min: 1, max: 8_192 }))
      .map(([element, dimensions]): DataType => ({ kind: 'vector', element, dimensions })),
    fc.constant(parseStoredType('frozen<"Per son">', 'ks', find)),
  ),
})).type;
const columnType = fc.oneof(
  frozenType,
  frozenType.map((element): DataType => ({ kind: 'list', element, frozen: false })),
  fc.tuple(frozenType, frozenType).map(([key, value]): DataType => ({ kind: 'map', key, value, frozen: false })),
  fc.constant(parseStoredType('"Per son"', 'ks', find)),
);

test('a type is read from a record as it was written', () => {
  fc.assert(
    fc.property(columnType, (type) => {
      const read = parseStoredType(typeText(type), 'ks', find);
      expect(sameType(read, type)).toBe(true);
      expect(typeText(read)).toBe(typeText(type));
    }),
  );
});

test('a type without user types can be read when they are gone', () => {
  fc.assert(
    fc.property(columnType, (type) => {
      const plain = withoutUserTypes(type);
      expect(
        sameType(
          parseStoredType(typeText(plain), 'ks', () => undefined),
          plain,
        ),
      ).toBe(true);
    }),
  );
});

const name = fc.string({ minLength: 1, maxLength: 8 });
const record: fc.Arbitrary<TableRecord> = fc
  .record({
    names: fc.uniqueArray(name, { minLength: 1, maxLength: 8 }),
    types: fc.array(columnType, { minLength: 8, maxLength: 8 }),
    keyTypes: fc.array(frozenType, { minLength: 8, maxLength: 8 }),
    partition: fc.integer({ min: 1, max: 3 }),
    clustering: fc.integer({ min: 0, max: 3 }),
    statics: fc.boolean(),
  })
  .map(({ names, types, keyTypes, partition, clustering, statics }) => {
    const keys = Math.min(names.length, partition + clustering);
    return {
      format: 1,
      keyspace: 'ks',
      name: 't',
      id: '0'.repeat(32),
      space: 300,
      columns: names.map((column, i) => ({
        id: i < keys ? -1 : i - keys,
        name: column,
        type: typeText((i < keys ? keyTypes[i] : types[i]) as DataType),
        kind: i < partition ? 'partition_key' : i < keys ? 'clustering' : statics && i % 2 === 0 ? 'static' : 'regular',
        ...(i >= partition && i < keys && i % 2 === 1 ? { descending: true } : {}),
      })),
      nextColumnId: names.length,
      counter: false,
      dropped: [],
      indexes: [],
      options: { default_time_to_live: '0' },
      version: 7,
    };
  });

test('a table is made from its record with every column in its place', () => {
  fc.assert(
    fc.property(record, (stored) => {
      const json = JSON.parse(JSON.stringify(stored)) as TableRecord;
      const table = tableOf(json, find);
      expect(table.columns).toHaveLength(stored.columns.length);
      for (const entry of stored.columns) {
        const column = table.byName.get(entry.name);
        expect(column).toMatchObject({ id: entry.id, kind: entry.kind, isDescending: entry.descending === true });
        expect(typeText((column as { type: DataType }).type)).toBe(entry.type);
        if (entry.id >= 0) expect(table.byId.get(entry.id)).toBe(column);
      }
      const keys = [...table.partitionKey, ...table.clustering].map((column) => column.name);
      expect(keys).toEqual(stored.columns.filter(({ id }) => id < 0).map((entry) => entry.name));
    }),
  );
});

test('a record of a format that this version does not know is refused', () => {
  const [sample] = fc.sample(record, 1);
  expect(() => tableOf({ ...(sample as TableRecord), format: 2 }, find)).toThrow(/format 2/);
});

test('columns and options survive their way through a description', async () => {
  const columns = fc.uniqueArray(fc.tuple(fc.string({ minLength: 1, maxLength: 6 }), frozenType), {
    minLength: 1,
    maxLength: 5,
    selector: ([column]) => column,
  });
  await fc.assert(
    fc.asyncProperty(columns, fc.string(), async (definitions, comment) => {
      const rig = await SchemaRig.withKeyspace();
      await rig.run('CREATE TYPE "Per son" (name text, phones map<text, int>)');
      const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
      const list = definitions.map(([column, type]) => `${quote(column)} ${typeText(type)}`).join(', ');
      const first = quote(definitions[0]?.[0] ?? '');
      await rig.run(
        `CREATE TABLE t (${list}, PRIMARY KEY (${first})) WITH comment = '${comment.replaceAll("'", "''")}'`,
      );
      const target = { kind: 'table', name: { keyspace: 'ks', name: 't', at: 0 } } as const;
      const view = { version: 1, clusterId: '', self: 1, nodes: [], tablets: [] };
      const described = () =>
        describeSchema(
          { kind: 'describe', target, withInternals: false },
          { schema: rig.schema, keyspace: 'ks', clusterName: '', view },
        ).rows.map((row) => String(row[3]));
      const before = described();
      await rig.run('DROP TABLE t');
      await rig.run(before[0] as string);
      expect(described()).toEqual(before);
    }),
    { numRuns: 25 },
  );
});

test('slots that are done are gone, and no others', () => {
  const range = fc
    .tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 10 }))
    .map(([first, length]): [number, number] => [first, first + length]);
  const slots = (ranges: readonly (readonly [number, number])[]): Set<number> =>
    new Set(ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i)));
  fc.assert(
    fc.property(fc.array(range), (done) => {
      const left = withoutSlots([[0, 50]], done);
      const gone = slots(done);
      expect(slots(left)).toEqual(new Set([...slots([[0, 50]])].filter((slot) => !gone.has(slot))));
      expect(left.every(([first], i) => i === 0 || (left[i - 1]?.[1] ?? 0) < first)).toBe(true);
    }),
  );
});
