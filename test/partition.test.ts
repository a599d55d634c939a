import { type Cluster, type ClusterNode, createCluster } from 'folkmoot/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { print, untilReplicated } from './support/load.ts';
import { ErrorReply, NoReply, type Reply, RespClient } from './support/resp-client.ts';

const KEY = '{register}';
/** Of a request that finds no leader; short, because here that is what is asked for. */
const REQUEST_TIMEOUT_MS = 1_500;

let cluster: Cluster;
const clients: RespClient[] = [];

beforeEach(async () => {
  cluster = await createCluster({ nodes: 3, options: { 'request-timeout-ms': REQUEST_TIMEOUT_MS } });
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await cluster.close();
});

function connect(node: ClusterNode, port: 'redis' | 'redisSingle'): RespClient {
  const client = new RespClient({ host: node.host, port: node.ports[port] }, 10_000);
  clients.push(client);
  return client;
}

/** The reply; undefined when there was none. */
async function ask(client: RespClient, ...args: string[]): Promise<Reply | undefined> {
  try {
    return await client.command(...args);
  } catch (error) {
    if (error instanceof NoReply) return undefined;
    throw error;
  }
}

function others(node: ClusterNode): ClusterNode[] {
  return cluster.nodes.filter((other) => other !== node);
}

/** A register that is written and read at several nodes; numbers only go up, so that an old value shows. */
class Register {
  /** The highest number that was acknowledged. */
  acknowledged = 0;
  readonly stale: string[] = [];
  reads = 0;
  refusals = 0;
  #next = 0;

  async write(client: RespClient): Promise<boolean> {
    const value = ++this.#next;
    if ((await ask(client, 'SET', KEY, String(value))) !== 'OK') return false;
    this.acknowledged = Math.max(this.acknowledged, value);
    return true;
  }

  /** Whatever was acknowledged before the question must be in the answer. */
  async read(client: RespClient, where: string): Promise<Reply | undefined> {
    const floor = this.acknowledged;
    const reply = await ask(client, 'GET', KEY);
    if (reply === undefined || reply instanceof ErrorReply) {
      this.refusals++;
      return reply;
    }
    this.reads++;
    if (Number(reply ?? 0) < floor) this.stale.push(`${where}: ${reply} after ${floor} was acknowledged`);
    return reply;
  }

  /** Writes at one node, one after the other, until it is stopped. */
  writer(client: RespClient): { stop(): Promise<void> } {
    let stopping = false;
    const run = async (): Promise<void> => {
      while (!stopping) await this.write(client);
    };
    const done = run();
    return {
      stop: () => {
        stopping = true;
        return done;
      },
    };
  }
}

test('a leader cut off from the majority takes no write and answers no stale read; the majority goes on', async () => {
  const register = new Register();
  const old = await cluster.leaderOf(KEY);
  const [near] = others(old);
  if (near === undefined) throw new Error('no other node');
  const majority = connect(near, 'redisSingle');
  expect(await register.write(majority)).toBe(true);

  await cluster.partition([old], others(old));
  const writer = register.writer(majority);
  const minority = connect(old, 'redis');
  const minoritySingle = connect(old, 'redisSingle');

  // Writes at the minority, while its lease may still run and after.
  const minorityWrites: { key: string; reply: Reply | undefined }[] = [];
  const writeThere = async (client: RespClient): Promise<void> => {
    for (let n = 0; n < 3; n++) {
      const key = `${KEY}:minority:${minorityWrites.length}:${client === minority}`;
      minorityWrites.push({ key, reply: await ask(client, 'SET', key, 'x') });
    }
  };
  const readThere = async (client: RespClient): Promise<void> => {
    const end_ms = performance.now() + 3 * REQUEST_TIMEOUT_MS;
    while (performance.now() < end_ms) {
      const reply = await register.read(client, 'minority');
      if (reply === undefined) return;
      if (reply instanceof ErrorReply) await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  await Promise.all([
    writeThere(minority),
    writeThere(minoritySingle),
    readThere(connect(old, 'redis')),
    readThere(connect(old, 'redisSingle')),
  ]);
  expect(minorityWrites.filter(({ reply }) => reply === 'OK')).toEqual([]);
  expect(register.refusals).toBeGreaterThan(0);
  expect(register.stale).toEqual([]);
  const during = register.acknowledged;
  expect(during).toBeGreaterThan(1);
  expect(await cluster.leaderOf(KEY)).not.toBe(old);
  print(
    `${during} writes at the majority; at the minority ${register.reads} reads within the lease, ${register.refusals} refused`,
  );
  print(
    `writes at the minority: ${[...new Set(minorityWrites.map(({ reply }) => (reply instanceof ErrorReply ? reply.text : String(reply))))].join('; ')}`,
  );

  await cluster.heal();
  await writer.stop();
  await untilReplicated(cluster);
  for (const node of cluster.nodes) {
    expect(Number(await register.read(connect(node, 'redisSingle'), node.name))).toBeGreaterThanOrEqual(
      register.acknowledged,
    );
  }
  // What was refused for certain was never done.
  for (const { key, reply } of minorityWrites) {
    const refused = reply instanceof ErrorReply && /^(CLUSTERDOWN|MOVED|TRYAGAIN|LOADING)/.test(reply.text);
    if (refused) expect(await ask(majority, 'EXISTS', key)).toBe(0);
  }
  expect(register.stale).toEqual([]);
});

test('a leader that stood still longer than its lease answers with no old value when it goes on', async () => {
  const register = new Register();
  for (let round = 0; round < 2; round++) {
    const old = await cluster.leaderOf(KEY);
    const [near] = others(old);
    if (near === undefined) throw new Error('no other node');
    const majority = connect(near, 'redisSingle');
    const early = [connect(old, 'redis'), connect(old, 'redisSingle')];
    await Promise.all(early.map((client) => register.read(client, 'before the pause')));
    expect(await register.write(majority)).toBe(true);

    cluster.pause(old);
    // Asked while it stands still: the questions wait in its sockets, the answers come when it goes on.
    const before = register.acknowledged;
    while (register.acknowledged < before + 5) await register.write(majority);
    const asked = early.map((client) => register.read(client, 'asked during the pause'));
    const writer = register.writer(majority);
    const resumed = cluster.resume(old);
    const late = async (client: RespClient): Promise<void> => {
      for (let n = 0; n < 200; n++) {
        if ((await register.read(client, 'after the pause')) === undefined) return;
      }
    };
    await Promise.all([...asked, resumed, late(connect(old, 'redis')), late(connect(old, 'redisSingle'))]);
    await writer.stop();
    expect(register.stale).toEqual([]);
    await untilReplicated(cluster);
  }
  expect(register.reads).toBeGreaterThan(0);
});

test('a follower cut off and healed disturbs nobody: no new leader, no refused write', async () => {
  const register = new Register();
  // Tablets that the tests before have moved go back to their preferred leaders, which changes terms by itself.
  await cluster.waitFor(
    async () => (await cluster.status()).tablets.every(({ leader: id, replicas }) => id === replicas[0]),
    { what: 'every tablet is back at its preferred leader' },
  );
  const leader = await cluster.leaderOf(KEY);
  const follower = others(leader)[0];
  if (follower === undefined) throw new Error('no other node');
  const led = (await cluster.status(leader)).tablets.find(({ leader: id }) => id === leader.id)?.id;
  const termOf = async (): Promise<number | undefined> => {
    const { tablets } = await cluster.status(leader);
    return tablets.find(({ id }) => id === led)?.term;
  };
  const client = connect(leader, 'redisSingle');
  expect(await register.write(client)).toBe(true);
  const term = await termOf();

  await cluster.partition([follower], others(follower));
  await cluster.waitFor(async () => !(await cluster.status(leader)).nodes.every(({ alive }) => alive), {
    what: 'the others miss the follower',
  });
  for (let n = 0; n < 200; n++) expect(await register.write(client)).toBe(true);
  await cluster.heal();
  for (let n = 0; n < 200; n++) expect(await register.write(client)).toBe(true);
  await untilReplicated(cluster);
  expect(await termOf()).toBe(term);
});
