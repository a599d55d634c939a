import { beforeEach, describe, expect, it } from 'vitest';
import type { Transaction } from '../tablet/operation.ts';
import { nodeOf, replicaId } from '../tablet/replica-id.ts';
import {
  beginRemoval,
  finishRemoval,
  leavingNode,
  rebuildingNodes,
  rebuildNode,
  rebuildReplica,
  replaceLost,
} from './membership-changes.ts';
import { type Metadata, putNode, putTablet, readMetadata, type TabletRecord } from './metadata.ts';

const PORTS = { redis: 1, redisSingle: 2, cql: 5, admin: 3, peer: 4 };

/** The metadata in a map, changed as the leader's transactions would. */
class Book {
  readonly #values = new Map<string, Buffer>();
  dead = new Set<number>();

  readonly transaction = {
    get: (key: string) => this.#values.get(key),
    put: (key: string, value: Buffer) => this.#values.set(key, value),
    delete: (key: string) => this.#values.delete(key),
    scan: (lo: string, hi: string, _reverse: boolean, visit: (key: string, value: Buffer) => boolean) => {
      for (const key of [...this.#values.keys()].sort()) {
        if (lo <= key && key < hi && !visit(key, this.#values.get(key) as Buffer)) return;
      }
    },
  } as unknown as Transaction;

  constructor(nodes: number, members: readonly number[]) {
    for (let id = 1; id <= nodes; id++) {
      const name = `node-${id}`;
      putNode(this.transaction, { id, redisId: '', name, host: '127.0.0.1', zone: '', ports: PORTS, token: name });
    }
    const replicas = members.map((node) => replicaId(node, 1));
    const generations = Object.fromEntries(members.map((node) => [String(node), 1]));
    for (const id of [2, 3]) {
      const record = { id, slotFirst: 0, slotLast: 9, founders: replicas, replicas, confirmed: replicas, generations };
      putTablet(this.transaction, record);
    }
  }

  get state(): Metadata {
    return readMetadata(this.transaction);
  }

  readonly alive = (node: number): boolean => !this.dead.has(node);

  tablet(id = 2): TabletRecord {
    return this.state.tablets.get(id) as TabletRecord;
  }

  /** The leader of the tablet has reached what is asked for. */
  confirm(): void {
    for (const record of this.state.tablets.values()) {
      putTablet(this.transaction, { ...record, confirmed: record.replicas });
    }
  }

  /** What the director does until there is nothing left. */
  direct(): void {
    for (;;) {
      const replaced = replaceLost(this.state, this.alive);
      if (replaced !== null) putTablet(this.transaction, replaced);
      const left = leavingNode(this.state);
      if (left !== undefined) finishRemoval(this.transaction, left);
      if (replaced === null && left === undefined) return;
    }
  }

  remove(node: number): void {
    beginRemoval(this.transaction, this.state, node, this.alive, [1, 2, 3]);
  }
}

let book: Book;

beforeEach(() => {
  book = new Book(3, [1, 2, 3]);
});

describe('a lost replica', () => {
  const lost = { tablet: 2, node: 1, replica: replicaId(1, 1) };

  it('leaves first, and comes back as another generation at the same place', () => {
    expect(rebuildReplica(book.transaction, book.state, lost)).toBe(1);
    expect(book.tablet().replicas.map(nodeOf)).toEqual([2, 3]);
    book.direct();
    expect(book.tablet().replicas.map(nodeOf)).toEqual([2, 3]);
    expect(rebuildingNodes(book.tablet())).toEqual([1]);
    book.confirm();
    book.direct();
    expect(book.tablet().replicas).toEqual([replicaId(1, 2), replicaId(2, 1), replicaId(3, 1)]);
    expect(rebuildingNodes(book.tablet())).toEqual([1]);
    book.confirm();
    expect(rebuildingNodes(book.tablet())).toEqual([]);
    expect(book.tablet(3).replicas).toEqual(book.tablet(3).founders);
  });

  it('is given up once, however often it is asked for', () => {
    rebuildReplica(book.transaction, book.state, lost);
    book.confirm();
    book.direct();
    const before = book.tablet();
    expect(rebuildReplica(book.transaction, book.state, lost)).toBe(2);
    expect(book.tablet()).toEqual(before);
  });

  it('is not given up when no majority is left without it', () => {
    rebuildReplica(book.transaction, book.state, lost);
    const second = { tablet: 2, node: 2, replica: replicaId(2, 1) };
    expect(() => rebuildReplica(book.transaction, book.state, second)).toThrow(
      expect.objectContaining({ code: 'UNRECOVERABLE', message: expect.stringContaining('of 1 tablets (2)') }),
    );
    book.confirm();
    // Now the first one is out of the group: two are left, and both are needed.
    expect(() => rebuildReplica(book.transaction, book.state, second)).toThrow(/no majority/);
    book.direct();
    book.confirm();
    rebuildReplica(book.transaction, book.state, second);
    expect(book.tablet().replicas.map(nodeOf)).toEqual([1, 3]);
  });

  it('waits for its node to be alive', () => {
    rebuildReplica(book.transaction, book.state, lost);
    book.confirm();
    book.dead.add(1);
    book.direct();
    expect(book.tablet().replicas).toHaveLength(2);
    book.dead.clear();
    book.direct();
    expect(book.tablet().replicas).toHaveLength(3);
  });
});

describe('a node that has lost everything', () => {
  it('gives up all replicas at once, once in each of its lives', () => {
    expect(rebuildNode(book.transaction, book.state, { node: 2, epoch: 5, replica: 0 })).toBe(2);
    expect(rebuildNode(book.transaction, book.state, { node: 2, epoch: 5, replica: 0 })).toBe(2);
    for (const id of [2, 3]) expect(book.tablet(id).replicas.map(nodeOf)).toEqual([1, 3]);
    book.confirm();
    book.direct();
    for (const id of [2, 3]) expect(book.tablet(id).replicas).toContain(replicaId(2, 2));
    expect(rebuildNode(book.transaction, book.state, { node: 2, epoch: 6, replica: 0 })).toBe(3);
    for (const id of [2, 3]) expect(book.tablet(id).replicas.map(nodeOf)).toEqual([1, 3]);
    book.direct();
    for (const id of [2, 3]) expect(book.tablet(id).replicas).toContain(replicaId(2, 3));
  });

  it('gives up the replica that it was given in the same life, once, when that is lost too', () => {
    const lose = (replica: number): number => rebuildNode(book.transaction, book.state, { node: 2, epoch: 5, replica });
    expect(lose(replicaId(2, 1))).toBe(2);
    expect(lose(replicaId(2, 1))).toBe(2);
    expect(lose(replicaId(2, 2))).toBe(3);
    expect(lose(replicaId(2, 2))).toBe(3);
  });

  it('is refused, and changes nothing, when that would leave a tablet without a majority', () => {
    rebuildNode(book.transaction, book.state, { node: 2, epoch: 5, replica: 0 });
    const before = book.state;
    expect(() => rebuildNode(book.transaction, book.state, { node: 3, epoch: 5, replica: 0 })).toThrow(
      /2 tablets \(2, 3\)/,
    );
    expect(book.state).toEqual(before);
  });
});

describe('the removal of a node', () => {
  it('moves its replicas to a free one, and ends when nothing counts on it any more', () => {
    book = new Book(4, [1, 2, 3]);
    book.remove(2);
    expect(book.tablet().replicas).toEqual([replicaId(1, 1), replicaId(4, 1), replicaId(3, 1)]);
    book.direct();
    expect(book.state.nodes.has(2)).toBe(true);
    book.confirm();
    book.direct();
    expect(book.state.nodes.has(2)).toBe(false);
    expect(book.state.removed.get(2)).toMatchObject({ name: 'node-2' });
    expect(() => book.remove(2)).toThrow(/has been removed already/);
  });

  it('gives its replicas up where no node is free, until there is one', () => {
    book.dead.add(3);
    book.remove(3);
    book.confirm();
    book.direct();
    expect(book.tablet().replicas.map(nodeOf)).toEqual([1, 2]);
    putNode(book.transaction, {
      id: 4,
      redisId: '',
      name: 'node-4',
      host: '127.0.0.1',
      zone: '',
      ports: PORTS,
      token: 'node-4',
    });
    book.direct();
    expect(book.tablet().replicas.map(nodeOf)).toEqual([1, 2, 4]);
    expect(book.tablet().vacant).toBe(0);
  });

  it('is refused when the living are no majority, of what is or of what would be', () => {
    const before = book.state;
    book.dead = new Set([2, 3]);
    expect(() => book.remove(3)).toThrow(expect.objectContaining({ code: 'CONFLICT' }));
    book.dead = new Set([3]);
    expect(() => book.remove(2)).toThrow(/no majority of living replicas/);
    expect(book.state).toEqual(before);
    expect(() => book.remove(9)).toThrow(/there is no node 9/);
    expect(() => new Book(1, [1]).remove(1)).toThrow(/the only one/);
  });

  it('ends the wait for a lost replica of that node', () => {
    rebuildReplica(book.transaction, book.state, { tablet: 2, node: 3, replica: 0 });
    book.confirm();
    book.dead.add(3);
    book.remove(3);
    book.confirm();
    book.direct();
    expect(rebuildingNodes(book.tablet())).toEqual([]);
    expect(book.state.nodes.has(3)).toBe(false);
  });
});
