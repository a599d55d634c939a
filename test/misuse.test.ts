import { type Cluster, type ClusterNode, createCluster } from 'folkmoot/testing';
import { afterEach, expect, test } from 'vitest';
import { freePorts, killCommands, RunningCommand } from './support/command.ts';
import { RespClient } from './support/resp-client.ts';

const open: Cluster[] = [];

afterEach(async () => {
  await killCommands();
  await Promise.all(open.splice(0).map((cluster) => cluster.close()));
});

async function make(nodes: number): Promise<Cluster> {
  const cluster = await createCluster({ nodes });
  open.push(cluster);
  return cluster;
}

/** `folkmoot start` with the data of one node at the place of another. */
function start(dataFolder: string, at: Pick<ClusterNode, 'host' | 'ports'>, ...flags: string[]): RunningCommand {
  const { host, ports } = at;
  return new RunningCommand([
    'start',
    `--data=${dataFolder}`,
    `--listen=${host}`,
    `--redis-port=${ports.redis}`,
    `--redis-single-port=${ports.redisSingle}`,
    `--cql-port=${ports.cql}`,
    `--admin-port=${ports.admin}`,
    `--peer-port=${ports.peer}`,
    ...flags,
  ]);
}

async function set(node: ClusterNode, key: string, value: string): Promise<unknown> {
  const client = new RespClient({ host: node.host, port: node.ports.redisSingle });
  const reply = await client.command('SET', key, value);
  client.close();
  return reply;
}

async function get(node: ClusterNode, key: string): Promise<unknown> {
  const client = new RespClient({ host: node.host, port: node.ports.redisSingle });
  const reply = await client.command('GET', key);
  client.close();
  return reply;
}

test('a node of another cluster at the address of a member is refused, and both clusters keep their data', async () => {
  const ours = await make(3);
  const theirs = await make(1);
  const [stranger] = theirs.nodes as [ClusterNode];
  const [first, second, third] = ours.nodes as [ClusterNode, ClusterNode, ClusterNode];
  expect(await set(first, 'key', 'ours')).toBe('OK');
  expect(await set(stranger, 'key', 'theirs')).toBe('OK');
  await theirs.stop(stranger);
  await ours.kill(third);

  const members = ours.nodes.map(({ host, ports }) => `${host}:${ports.peer}`).join(',');
  const intruder = start(stranger.dataFolder, third, `--join=${members}`);
  await intruder.ready();
  // The members dial it as their third node, and hang up.
  await expect.poll(() => second.logTail(200), { timeout: 15_000 }).toMatch(/cluster/i);
  await ours.waitFor(({ nodes }) => nodes.some(({ id, alive }) => id === third.id && !alive));
  expect(await get(first, 'key')).toBe('ours');
  expect(await get(third, 'key')).toBe('theirs');
  expect(await set(first, 'key', 'ours still')).toBe('OK');
  expect((await ours.status(first)).nodes).toHaveLength(3);
  intruder.signal('SIGTERM');
  expect(await intruder.ended).toMatchObject({ code: 0 });

  await ours.start(third);
  expect(await get(third, 'key')).toBe('ours still');
  await theirs.start(stranger);
  expect(await get(stranger, 'key')).toBe('theirs');
});

test('a second process on the folder of a running node is refused and disturbs nobody', async () => {
  const cluster = await make(1);
  const [node] = cluster.nodes as [ClusterNode];
  const elsewhere = await make(1);
  const [place] = elsewhere.nodes as [ClusterNode];
  await elsewhere.kill(place);
  const { code, stdout, stderr } = await start(node.dataFolder, place).ended;
  expect(code).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toContain(`is in use by process ${node.pid}`);
  expect(await set(node, 'key', 'value')).toBe('OK');
});

test('a new node with the name or the address of a member is not taken in, is told why, and disturbs nobody', async () => {
  const cluster = await make(3);
  const [first, second, dead] = cluster.nodes as [ClusterNode, ClusterNode, ClusterNode];
  const join = `--join=${first.host}:${first.ports.peer}`;
  const namesake = start(
    `${second.dataFolder}-new`,
    { host: '127.0.0.1', ports: await freePorts(1) },
    join,
    `--name=${second.name}`,
  );
  await namesake.printed(new RegExp(`the name ${second.name} is taken by node ${second.id}`));

  await cluster.kill(dead);
  const heir = start(`${dead.dataFolder}-new`, dead, join, '--name=heir');
  await heir.printed(new RegExp(`${dead.host}:${dead.ports.peer} is node ${dead.id} of this cluster already`));

  expect(namesake.stdout).toBe('');
  expect(heir.stdout).toBe('');
  expect(await set(second, 'key', 'value')).toBe('OK');
  expect((await cluster.status(first)).nodes).toHaveLength(3);
  heir.signal('SIGTERM');
  await heir.ended;
  await cluster.start(dead);
  expect(await get(dead, 'key')).toBe('value');
});
