import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { Outcome } from '../../../tablet/operation.ts';
import { ErrorCode } from '../errors.ts';
import type { RowMutation, RowRead, RowWrite } from '../rows/commands.ts';
import { SPACE_BYTES, slotOfKey } from '../rows/layout.ts';
import { Projection } from '../rows/projection.ts';
import { cellsOf, TestTable, toWire } from '../rows/rows.test-support.ts';
import { Space } from '../rows/tablet-keys.ts';
import { SchemaRig } from '../schema/schema.test-support.ts';
import { Native } from '../types/data-type.ts';
import { doPart } from './batch-log.ts';
import { TestCluster } from './cluster.test-support.ts';
import type { PagePosition } from './paged-read.ts';
import { Ending } from './row-host.ts';

let rig: SchemaRig;
let cluster: TestCluster;

beforeEach(async () => {
  rig = await SchemaRig.withKeyspace();
  await rig.run('CREATE TABLE t (k int, c int, v int, l list<int>, PRIMARY KEY (k, c))');
  cluster = new TestCluster(rig, 3, 8);
});

/** Makes commands: reading and writing goes through the cluster. */
const rowsOf = (k: number): TestTable => new TestTable(cluster.stores[0] as never, rig.table('t'), [k]);

function mutation(k: number, c: number, v: number): RowMutation {
  const rows = rowsOf(k);
  return {
    table: rows.table,
    partition: rows.partition,
    changes: [rows.upsert(rows.clustering(c), { v }, [], {}, true)],
  };
}

function append(k: number, value: number): RowMutation {
  const rows = rowsOf(k);
  const change = rows.upsert(rows.clustering(0), {}, [
    { kind: 'append', column: rows.column('l'), values: [toWire(Native.int, value)] },
  ]);
  return { table: rows.table, partition: rows.partition, changes: [change] };
}

const write = (...mutations: RowMutation[]): RowWrite => ({ kind: 'write', mutations, conditions: null });
const slotOf = (k: number): number => slotOfKey(rowsOf(k).partition);

function read(source: RowRead['source'], columns = ['k', 'c', 'v']): RowRead {
  const { table } = rowsOf(0);
  return {
    kind: 'read',
    table,
    source,
    slices: null,
    filter: [],
    projection: Projection.ofColumns(columns.map((name) => rowsOf(0).column(name))),
    reversed: false,
    staticOnly: false,
    limit: 0,
    perPartitionLimit: 0x7fffffff,
    after: null,
  };
}

const ofPartition = (k: number): RowRead => read({ kind: 'partition', partition: rowsOf(k).partition });
const RING = { kind: 'tokens', first: -(2n ** 63n), last: 2n ** 63n - 1n } as const;

async function all(reads: readonly RowRead[], limit: number): Promise<{ rows: (number | null)[][]; pages: number[] }> {
  const rows: (number | null)[][] = [];
  const pages: number[] = [];
  let from: PagePosition | null = null;
  for (;;) {
    const page = await cluster.node(1).read(reads, from, limit);
    expect(page.error).toBeNull();
    pages.push(page.rowCount);
    for (const each of page.pages)
      rows.push(...cellsOf(each, 3).map((row) => row.map((cell) => cell?.readInt32BE(0) ?? null)));
    from = page.next;
    if (from === null) return { rows, pages };
  }
}

const batchesLeft = (): number =>
  cluster.stores.reduce((sum, store) => {
    const keys = [...store.entries().keys()];
    return (
      sum + keys.filter((key) => key.charCodeAt(SPACE_BYTES - 1) === Space.batchLog && key.startsWith('\0\0\0')).length
    );
  }, 0);

describe('a row operation', () => {
  it('reaches the leader of its tablet from any node', async () => {
    for (let k = 0; k < 20; k += 1) {
      const done = await cluster.node((k % 3) + 1).execute(write(mutation(k, 0, k)), slotOf(k));
      expect([done.ending, done.result?.applied]).toEqual([Ending.done, true]);
      const found = await cluster.node(((k + 1) % 3) + 1).execute({ ...ofPartition(k), limit: 10 }, slotOf(k));
      expect(cellsOf(found.page as never, 3)[0]?.[2]?.readInt32BE(0)).toBe(k);
    }
  });

  it('that had no effect is tried again until there is a leader, or until its deadline', async () => {
    const k = 1;
    const tablet = cluster.tabletOf(slotOf(k)).id;
    cluster.setLeader(tablet, 0);
    const waiting = cluster.node(1).execute(write(mutation(k, 0, 1)), slotOf(k));
    setImmediate(() => cluster.setLeader(tablet, 2));
    expect((await waiting).ending).toBe(Ending.done);
    cluster.setLeader(tablet, 0);
    const late = await cluster.node(1).execute(write(mutation(k, 0, 2)), slotOf(k));
    expect([late.ending, late.error?.code]).toEqual([Ending.unavailable, ErrorCode.unavailable]);
  });

  it('whose reply is lost is unknown when it writes and tried again when it reads', async () => {
    const k = 1;
    cluster.setLeader(cluster.tabletOf(slotOf(k)).id, 2);
    let losses = 1;
    cluster.isLost = () => losses-- > 0;
    const lost = await cluster.node(1).execute(write(mutation(k, 0, 1)), slotOf(k));
    expect([lost.error?.code, lost.error?.detail.writeType]).toEqual([ErrorCode.writeTimeout, 'SIMPLE']);
    losses = 2;
    const found = await cluster.node(1).execute({ ...ofPartition(k), limit: 10 }, slotOf(k));
    expect(found.page?.rowCount).toBe(1);
    losses = 1;
    const { table, partition } = mutation(k, 0, 2);
    const conditions = { table, partition, rows: [], projection: Projection.ofAll(table) };
    const unsure = await cluster.node(1).execute({ ...write(mutation(k, 0, 2)), conditions }, slotOf(k));
    expect(unsure.error?.code).toBe(ErrorCode.casWriteUnknown);
  });

  it('of a table that has been dropped is refused, and waits for a schema that its leader does not know yet', async () => {
    const command = write(mutation(1, 0, 1));
    await rig.run('DROP TABLE t');
    for (const node of [1, 2, 3]) {
      const refused = await cluster.node(node).execute(command, slotOfKey(command.mutations[0]?.partition as string));
      expect(refused.error?.message).toMatch(/unconfigured table/);
    }
  });

  it('is evaluated only by a leader that has the schema which its tablet asks for', async () => {
    const stale = { schema: rig.schema, sweeps: [] };
    let isStale = true;
    cluster = new TestCluster(rig, 2, 2, (node) =>
      node === 2
        ? {
            get schema() {
              return isStale ? stale.schema : rig.schema;
            },
            sweeps: [],
          }
        : rig.registry,
    );
    await rig.run('CREATE INDEX by_v ON t (v)');
    for (const { id } of cluster.tablets) cluster.setLeader(id, 1);
    await cluster.settle(3);
    for (const { id } of cluster.tablets) cluster.setLeader(id, 2);
    const waiting = cluster.node(1).execute(write(mutation(1, 0, 7)), slotOf(1));
    await cluster.settle(3);
    const store = cluster.storeOf(slotOf(1));
    const ofSpace = (space: number): number =>
      [...store.entries().keys()].filter((key) => Buffer.from(key.slice(0, 4), 'latin1').readUInt32BE(0) === space)
        .length;
    expect(ofSpace(rig.table('t').space)).toBe(0);
    isStale = false;
    expect((await waiting).ending).toBe(Ending.done);
    expect(ofSpace(rig.table('t').indexes[0]?.space as number)).toBe(1);
  });
});

describe('a paged read', () => {
  it('gives all rows of all tablets in the order of tokens, in pages of any size, none of them empty', async () => {
    const expected = new Set<string>();
    for (let k = 0; k < 60; k += 1) {
      for (let c = 0; c < k % 4; c += 1) {
        await cluster.node(1).execute(write(mutation(k, c, k)), slotOf(k));
        expected.add(`${k},${c},${k}`);
      }
    }
    const whole = await all([read(RING)], 10_000);
    expect(new Set(whole.rows.map(String))).toEqual(expected);
    const order = whole.rows.map(([k]) => rowsOf(k as number).partition);
    expect(order).toEqual([...order].sort());
    // Leaders elsewhere answer later, and a node that leads a tablet itself answers within `submit`.
    for (const leaders of [[1, 2, 3], [1], [3, 1, 1], [2]]) {
      for (const [i, { id }] of cluster.tablets.entries()) cluster.setLeader(id, leaders[i % leaders.length] as number);
      for (let limit = 1; limit <= expected.size; limit += 1) {
        const paged = await all([read(RING)], limit);
        expect(paged.rows).toEqual(whole.rows);
        for (const count of paged.pages.slice(0, -1)) expect(count).toBe(limit);
      }
    }
  });

  it('gives partitions in the order that was asked for', async () => {
    for (let k = 0; k < 12; k += 1)
      for (let c = 0; c < 3; c += 1) await cluster.node(1).execute(write(mutation(k, c, k)), slotOf(k));
    const keys = [7, 3, 11, 0, 99, 5];
    const expected = keys.filter((k) => k < 12).flatMap((k) => [0, 1, 2].map((c) => [k, c, k]));
    for (const limit of [1, 2, 4, 100]) {
      expect((await all(keys.map(ofPartition), limit)).rows).toEqual(expected);
    }
  });

  it('goes on over leaders that change and replies that are lost', async () => {
    for (let k = 0; k < 40; k += 1) await cluster.node(1).execute(write(mutation(k, 0, k)), slotOf(k));
    let calls = 0;
    cluster.isLost = () => {
      calls += 1;
      cluster.setLeader((calls % 8) + 1, (calls % 3) + 1);
      return calls % 2 === 0;
    };
    expect((await all([read(RING)], 9)).rows.length).toBe(40);
  });
});

describe('a logged batch', () => {
  const parts = (value: number) =>
    [...new Map([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((k) => [cluster.tabletOf(slotOf(k)).id, k])).values()].map((k) => ({
      slot: slotOf(k),
      write: write(append(k, value)),
    }));
  const keys = (): number[] => [
    ...new Map([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((k) => [cluster.tabletOf(slotOf(k)).id, k])).values(),
  ];

  /** Under each key the values that were appended. */
  function lists(): number[][] {
    return keys().map((k) => {
      const store = cluster.storeOf(slotOf(k));
      const table = new TestTable(store, rig.table('t'), [k]);
      return ((table.select({ columns: ['l'] })[0]?.[0] ?? []) as number[]).sort((a, b) => a - b);
    });
  }

  it('is done in all its tablets before it is answered, and leaves nothing in the log', async () => {
    const done = await cluster.node(1).execute({ kind: 'batch', parts: parts(1) }, parts(1)[0]?.slot as number);
    expect(done.ending).toBe(Ending.done);
    for (const list of lists()) expect(list).toEqual([1]);
    await cluster.settle(2);
    expect(batchesLeft()).toBe(0);
  });

  it('is not done at all when its first part is refused', async () => {
    const rows = rowsOf(keys()[0] as number);
    const bad = write({
      table: rows.table,
      partition: rows.partition,
      changes: [
        rows.upsert(rows.clustering(0), {}, [
          { kind: 'setIndex', column: rows.column('l'), index: 3, value: toWire(Native.int, 1) },
        ]),
      ],
    });
    const [first, ...others] = parts(1);
    const refused = await cluster
      .node(1)
      .execute(
        { kind: 'batch', parts: [{ slot: first?.slot as number, write: bad }, ...others] },
        first?.slot as number,
      );
    expect(refused.error?.message).toMatch(/list/);
    await cluster.settle(2);
    for (const list of lists()) expect(list).toEqual([]);
  });

  it('is finished by the next leader when its node is gone after it was logged', async () => {
    const slot = parts(1)[0]?.slot as number;
    const log = cluster.tabletOf(slot);
    cluster.setLeader(log.id, 2);
    // No other tablet can be reached until the node is gone.
    for (const { id } of cluster.tablets) if (id !== log.id) cluster.setLeader(id, 0);
    const lost = cluster.node(1).execute({ kind: 'batch', parts: parts(5) }, slot);
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(batchesLeft()).toBe(1);
    cluster.stop(2);
    expect((await lost).error?.detail.writeType).toBe('BATCH');
    for (const { id } of cluster.tablets) cluster.setLeader(id, 3);
    await cluster.settle(10);
    for (const list of lists()) expect(list).toEqual([5]);
    expect(batchesLeft()).toBe(0);
  });

  it('happens once or not at all, whatever is lost, refused or stopped', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 99 }), { minLength: 200, maxLength: 400 }), async (luck) => {
        cluster = new TestCluster(rig, 3, 8);
        let at = 0;
        const next = (): number => luck[at++ % luck.length] as number;
        cluster.isLost = () => next() < 10;
        cluster.outcomeOf = () => {
          const roll = next();
          if (roll < 5) cluster.setLeader((roll % 8) + 1, (next() % 3) + 1);
          if (roll < 10) return Outcome.notLeader;
          if (roll < 15) return Outcome.overloaded;
          return roll < 20 ? Outcome.unknown : Outcome.done;
        };
        const endings = new Map<number, Ending>();
        await Promise.all(
          [1, 2, 3, 4, 5, 6].map(async (value) => {
            const all = parts(value);
            const rotated = [...all.slice(value % all.length), ...all.slice(0, value % all.length)];
            const node = cluster.node((value % 3) + 1);
            const done = await node.execute({ kind: 'batch', parts: rotated }, rotated[0]?.slot as number);
            endings.set(value, done.ending);
          }),
        );
        cluster.isLost = () => false;
        cluster.outcomeOf = () => Outcome.done;
        await cluster.settle(20);
        expect(batchesLeft()).toBe(0);
        const [first, ...others] = lists();
        for (const list of others) expect(list).toEqual(first);
        expect(new Set(first).size).toBe(first?.length);
        for (const [value, ending] of endings) {
          if (ending === Ending.done) expect(first).toContain(value);
          if (ending === Ending.unavailable || ending === Ending.overloaded) expect(first).not.toContain(value);
        }
      }),
      { numRuns: 30 },
    );
  }, 60_000);

  it('does not do a part again that comes after everything about it was forgotten', () => {
    const store = cluster.storeOf(slotOf(1));
    const id = (n: number): string => `${'\0'.repeat(15)}${String.fromCharCode(n)}`;
    const send = (n: number, open: number): boolean =>
      store.run((transaction) =>
        doPart(
          transaction,
          { kind: 'part', batch: { log: 0, id: id(n), open: id(open) }, index: 1, write: write(append(1, n)) },
          store.slotFirst,
        ),
      );
    for (let n = 1; n <= 100; n += 1) expect(send(n, 1)).toBe(true);
    expect(send(101, 101)).toBe(true);
    const notes = [...store.entries().keys()].filter((key) =>
      key.startsWith(`\0\0\0${String.fromCharCode(Space.appliedBatches)}`),
    );
    // Of the last part, and of what is not open any more.
    expect(notes.length).toBe(2);
    for (const n of [1, 50, 100, 101]) expect(send(n, 1)).toBe(false);
  });

  it('forgets which parts were done once nothing can ask for them any more', async () => {
    for (let value = 0; value < 200; value += 1) {
      await cluster.node(1).execute({ kind: 'batch', parts: parts(value) }, parts(value)[0]?.slot as number);
    }
    await cluster.settle(2);
    for (const list of lists()) expect(list.length).toBe(200);
    for (const store of cluster.stores) {
      const notes = [...store.entries().keys()].filter((key) =>
        key.startsWith(`\0\0\0${String.fromCharCode(Space.appliedBatches)}`),
      );
      expect(notes.length).toBeLessThan(70);
    }
  });
});

describe('the background', () => {
  it('builds an index over the rows that are there, and says so', async () => {
    for (let k = 0; k < 50; k += 1) await cluster.node(1).execute(write(mutation(k, 0, k % 3)), slotOf(k));
    await rig.run('CREATE INDEX by_v ON t (v)');
    expect(rig.table('t').indexes[0]?.isReady).toBe(false);
    await cluster.settle(5);
    const index = rig.table('t').indexes[0];
    expect(index?.isReady).toBe(true);
    const predicate = {
      column: rowsOf(0).column('v'),
      element: null,
      operator: '=',
      values: [toWire(Native.int, 1)],
    } as const;
    const found = await all(
      [read({ kind: 'index', index: index as never, predicate, partition: null, first: RING.first, last: RING.last })],
      5,
    );
    expect(found.rows.map(([k]) => k as number).sort((a, b) => a - b)).toEqual(
      [...Array(50).keys()].filter((k) => k % 3 === 1),
    );
  });

  it('removes entries of an index that a large deletion has left', async () => {
    await rig.run('CREATE INDEX by_v ON t (v)');
    await cluster.settle(5);
    const rows = rowsOf(1);
    const store = cluster.storeOf(slotOf(1));
    const mutations = Array.from({ length: 5_100 }, (_, c) => mutation(1, c, c % 10));
    await cluster.node(1).execute(write(...mutations), slotOf(1));
    await cluster
      .node(1)
      .execute(
        write({ table: rows.table, partition: rows.partition, changes: [{ kind: 'deletePartition', stamp: null }] }),
        slotOf(1),
      );
    await cluster.node(1).execute(write(mutation(1, 3, 3)), slotOf(1));
    const indexSpace = rig.table('t').indexes[0]?.space as number;
    const entries = (): number =>
      [...store.entries().keys()].filter((key) => Buffer.from(key.slice(0, 4), 'latin1').readUInt32BE(0) === indexSpace)
        .length;
    expect(entries()).toBeGreaterThan(5_000);
    await cluster.settle(10);
    expect(entries()).toBe(1);
  });

  it('removes what is left of a table that was emptied or dropped, and the schema forgets it', async () => {
    for (let k = 0; k < 30; k += 1) await cluster.node(1).execute(write(mutation(k, 0, k)), slotOf(k));
    await rig.run('TRUNCATE t');
    expect(rig.registry.sweeps.length).toBe(1);
    for (let k = 0; k < 10; k += 1) await cluster.node(1).execute(write(mutation(k, 0, k)), slotOf(k));
    await cluster.settle(5);
    expect(rig.registry.sweeps).toEqual([]);
    expect((await all([read(RING)], 100)).rows.length).toBe(10);
    await rig.run('DROP TABLE t');
    await cluster.settle(5);
    for (const store of cluster.stores) {
      for (const key of store.entries().keys()) expect(key.charCodeAt(SPACE_BYTES - 1)).toBe(Space.records);
    }
  });
});
