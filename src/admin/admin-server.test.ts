import { request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FolkmootError } from '../base/errors.ts';
import { silentLogger } from '../base/log.ts';
import { AdminClient } from './admin-client.ts';
import { AdminServer } from './admin-server.ts';
import type { AdminSource } from './admin-source.ts';
import type { ClusterStatus } from './cluster-status.ts';

const ports = {
  redis: 6_379,
  redisSingle: 6_380,
  cql: 9_042,
  postgres: 5_432,
  postgresRead: 5_433,
  admin: 7_070,
  peer: 7_071,
};

const STATUS: ClusterStatus = {
  clusterId: 'c1',
  self: 1,
  nodes: [1, 2, 3].map((id) => ({ id, name: `node-${id}`, host: `127.0.0.${id}`, alive: true, ports })),
  tablets: [{ id: 5, slots: [0, 16_383], leader: 1, replicas: [1, 2], lag: 0 }],
  underReplicated: 1,
  version: '1.2.3',
  viewVersion: 9,
};

let calls: string[] = [];
let ready = true;
let health = { ok: true, reasons: [] as string[] };
let status: ClusterStatus = STATUS;

const source: AdminSource = {
  status: () => status,
  ready: () => ready,
  healthy: () => health,
  metricsText: async () => 'folkmoot_x 1\n',
  init: async () => {
    throw new FolkmootError('NOT_READY', 'node-3 cannot be reached', 'Start it.');
  },
  drain: async () => {
    calls.push('drain');
  },
  transfer: async (tablet, node) => {
    calls.push(`transfer ${tablet} ${node}`);
  },
  addReplica: async (tablet, node) => {
    calls.push(`add ${tablet} ${node}`);
  },
  removeReplica: async () => {
    throw new TypeError('a bug');
  },
  removeNode: async () => undefined,
  block: (nodes, deafTo) => {
    calls.push(`block ${nodes.join(' ')}, deaf to ${deafTo.join(' ')}`);
  },
  postgresPools: () => [{ database: 'shop', clients: 3 }],
  postgresSwitchover: async (target) => {
    calls.push(`switchover ${target}`);
    return 2;
  },
  postgresReinit: async (node) => {
    calls.push(`reinit ${node}`);
  },
  postgresSet: async (name, value) => {
    calls.push(`set ${name} ${value}`);
    return ['shared_buffers'];
  },
  postgresOverride: async (epoch) => {
    calls.push(`override ${epoch}`);
  },
  shiftClock: (by_ms) => {
    calls.push(`clock ${by_ms}`);
  },
};

const servers: AdminServer[] = [];

async function serve(faultInjection = true, port = 0): Promise<AdminServer> {
  const server = new AdminServer({ host: '127.0.0.1', port, faultInjection, source, logger: silentLogger });
  servers.push(server);
  await server.start();
  return server;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

function ask(port: number, method: string, path: string, body?: string, headers = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, method, path, agent: false, headers }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, type: incoming.headers['content-type'] ?? '', text }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

beforeEach(() => {
  calls = [];
  ready = true;
  health = { ok: true, reasons: [] };
  status = STATUS;
});

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

describe('what can be read', () => {
  test('health is 200, or 503 with reasons', async () => {
    const { port } = await serve();
    expect(await ask(port, 'GET', '/healthz')).toMatchObject({ status: 200, text: '{"ok":true,"reasons":[]}\n' });
    health = { ok: false, reasons: ['the disk is full'] };
    const sick = await ask(port, 'GET', '/healthz');
    expect(sick.status).toBe(503);
    expect(JSON.parse(sick.text)).toEqual(health);
  });

  test('readiness is 503 with the reason while the cluster is not formed or a leader is missing', async () => {
    const { port } = await serve();
    expect((await ask(port, 'GET', '/readyz')).status).toBe(200);
    ready = false;
    status = { ...STATUS, clusterId: '', tablets: [{ id: 5, slots: [0, 16_383], leader: 0, replicas: [], lag: null }] };
    const answer = await ask(port, 'GET', '/readyz');
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.text).reasons).toEqual([
      'the cluster is not formed yet',
      '1 of 1 tablets have no known leader',
    ]);
    status = STATUS;
    expect(JSON.parse((await ask(port, 'GET', '/readyz')).text).reasons).toEqual(['the node is starting or draining']);
  });

  test('metrics, status and tablets', async () => {
    const { port } = await serve();
    expect(await ask(port, 'GET', '/metrics')).toMatchObject({ status: 200, text: 'folkmoot_x 1\n' });
    expect(JSON.parse((await ask(port, 'GET', '/api/status?x=1')).text)).toEqual(STATUS);
    expect(JSON.parse((await ask(port, 'GET', '/api/tablets')).text)).toEqual({
      clusterId: 'c1',
      tablets: STATUS.tablets,
      underReplicated: 1,
    });
    expect(await ask(port, 'HEAD', '/api/status')).toMatchObject({ status: 200, type: 'application/json', text: '' });
  });
});

describe('what can be done', () => {
  test('drain, transfer, replicas and faults reach the node', async () => {
    const { port } = await serve();
    const client = new AdminClient({ host: '127.0.0.1', port }, 5_000);
    expect(await client.drain()).toEqual({ node: 1, leads: 1 });
    await client.transfer(5, 2);
    await client.changeReplicas(5, { add: 3 });
    await client.block([2, 3]);
    await client.block([], [3]);
    await client.shiftClock(-5_000);
    expect(calls).toEqual([
      'drain',
      'transfer 5 2',
      'add 5 3',
      'block 2 3, deaf to ',
      'block , deaf to 3',
      'clock -5000',
    ]);
    expect(await client.ready()).toBe(true);
  });

  test.each([
    ['/api/tablets/5/transfer', '{"node":3}', 409, 'node 3 has no replica of tablet 5'],
    ['/api/tablets/5/transfer', '{"node":9}', 404, 'there is no node 9'],
    ['/api/tablets/5/transfer', '{"node":"2"}', 400, '"node" is not the id of a node'],
    ['/api/tablets/6/transfer', '{"node":2}', 404, 'there is no tablet 6'],
    ['/api/tablets/x/replicas', '{"add":2}', 404, 'there is no tablet x'],
    ['/api/tablets/5/replicas', '{}', 400, 'the body names no change'],
    ['/api/tablets/5/replicas', '{"add":1,"remove":1}', 400, 'the body names no change'],
    ['/api/faults/block', '{"nodes":[0]}', 400, '"nodes" is not a list of node ids'],
    ['/api/faults/block', '{"nodes":[],"deafTo":1}', 400, '"deafTo" is not a list of node ids'],
    ['/api/faults/block', '{"nodes":2}', 400, '"nodes" is not a list of node ids'],
    ['/api/faults/clock', '{"by_ms":"5"}', 400, '"by_ms" is not a whole number'],
    ['/api/drain', '{', 400, 'the body is not JSON'],
    ['/api/drain', '[]', 400, 'the body is not a JSON object'],
    ['/api/init', '', 409, 'cluster c1 is already formed'],
    ['/api/nothing', '', 404, 'there is no /api/nothing'],
    ['/api/status', '', 405, '/api/status does not take POST'],
  ])('POST %s %s is %d: %s', async (path, body, code, cause) => {
    const { port } = await serve();
    const answer = await ask(port, 'POST', path, body);
    expect(answer).toMatchObject({ status: code, type: 'application/json' });
    const { error } = JSON.parse(answer.text);
    expect(error.cause).toBe(cause);
    expect(error.cure).not.toBe('');
    expect(calls).toEqual([]);
  });

  test('a bug inside is a 500 that does not take the server down', async () => {
    const { port } = await serve();
    const answer = await ask(port, 'POST', '/api/tablets/5/replicas', '{"remove":1}');
    expect(answer.status).toBe(500);
    expect(JSON.parse(answer.text).error.code).toBe('INTERNAL');
    expect((await ask(port, 'GET', '/healthz')).status).toBe(200);
  });

  test('faults are refused unless the node was started for them', async () => {
    const { port } = await serve(false);
    expect((await ask(port, 'POST', '/api/faults/block', '{"nodes":[2]}')).status).toBe(403);
    expect(calls).toEqual([]);
  });

  test('pages of other origins are refused, the own page is not', async () => {
    const { port } = await serve();
    expect((await ask(port, 'POST', '/api/drain', '{}', { Origin: 'https://example.org' })).status).toBe(403);
    expect((await ask(port, 'POST', '/api/drain', '{}', { Origin: 'null' })).status).toBe(403);
    expect(calls).toEqual([]);
    expect((await ask(port, 'POST', '/api/drain', '{}', { Origin: `http://127.0.0.1:${port}` })).status).toBe(200);
  });

  test('a body beyond the limit is refused', async () => {
    const { port } = await serve();
    const answer = await ask(port, 'POST', '/api/drain', JSON.stringify({ x: 'x'.repeat(70_000) }));
    expect(answer.status).toBe(413);
    expect(calls).toEqual([]);
  });
});

test('what is no HTTP gets a 400 and the server goes on', async () => {
  const { port } = await serve();
  const text = await new Promise<string>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('*1\r\n$4\r\nPING\r\n'));
    let received = '';
    socket.setEncoding('utf8').on('data', (part: string) => {
      received += part;
    });
    socket.on('close', () => resolve(received));
  });
  expect(text).toContain('400');
  expect((await ask(port, 'GET', '/healthz')).status).toBe(200);
});

test('a taken port is an error that names port and option', async () => {
  const { port } = await serve();
  await expect(serve(true, port)).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    cure: expect.stringContaining('--admin-port'),
  });
});

describe('the client', () => {
  test('says that nothing listens, that it is no admin port, and what the node answered', async () => {
    const server = await serve();
    const client = new AdminClient({ host: '127.0.0.1', port: server.port }, 5_000);
    await expect(client.init()).rejects.toMatchObject({ code: 'ALREADY_FORMED' });
    status = { ...STATUS, clusterId: '' };
    await expect(client.init()).rejects.toMatchObject({ code: 'NOT_READY', cure: 'Start it.' });
    await expect(client.call('GET', '/metrics')).rejects.toMatchObject({ code: 'NODE_UNREACHABLE' });
    await server.stop();
    await expect(client.status()).rejects.toMatchObject({
      code: 'NODE_UNREACHABLE',
      message: expect.stringContaining('nothing listens there'),
    });
    expect(await client.ready()).toBe(false);
  });

  test('gives up after its time', async () => {
    const { port } = await serve();
    source.drain = () => new Promise(() => undefined);
    const client = new AdminClient({ host: '127.0.0.1', port }, 50);
    await expect(client.drain()).rejects.toMatchObject({ code: 'TIMED_OUT' });
  });
});

test('the PostgreSQL group is changed with what the body says, and with nothing else', async () => {
  const client = new AdminClient({ host: '127.0.0.1', port: (await serve()).port }, 5_000);
  expect(await client.call('GET', '/api/postgres/pools')).toEqual([{ database: 'shop', clients: 3 }]);
  expect(await client.call('POST', '/api/postgres/switchover', {})).toEqual({ primary: 2 });
  await client.call('POST', '/api/postgres/switchover', { node: 3 });
  await client.call('POST', '/api/postgres/reinit', { node: 3 });
  const set = { name: 'work_mem', value: '64MB' };
  expect(await client.call('POST', '/api/postgres/set', set)).toMatchObject({ afterRestart: ['shared_buffers'] });
  await client.call('POST', '/api/postgres/set', { name: 'work_mem', value: null });
  await client.call('POST', '/api/postgres/override', { epoch: 8 });
  expect(calls).toEqual([
    'switchover 0',
    'switchover 3',
    'reinit 3',
    'set work_mem 64MB',
    'set work_mem null',
    'override 8',
  ]);
  for (const [path, body] of [
    ['switchover', { node: 'a' }],
    ['reinit', {}],
    ['set', { name: 'work_mem' }],
    ['override', { epoch: -1 }],
  ] as const) {
    await expect(client.call('POST', `/api/postgres/${path}`, body)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  }
});
