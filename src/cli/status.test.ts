import { describe, expect, test } from 'vitest';
import type { ClusterStatus } from '../admin/cluster-status.ts';
import { OPTIONS, type OptionValues } from '../base/options.ts';
import { adminClient, findNode } from './admin-host.ts';
import { statusLines } from './status.ts';
import { tabletLines } from './tablets.ts';

const ports = { redis: 6_379, redisSingle: 6_380, cql: 9_042, admin: 7_070, peer: 7_071 };

const STATUS: ClusterStatus = {
  clusterId: 'c1',
  self: 1,
  nodes: [
    { id: 1, name: 'node-1', host: '127.0.0.1', alive: true, ports, zone: 'east' },
    { id: 2, name: 'node-2', host: '127.0.0.2', alive: false, ports, zone: 'west' },
  ],
  tablets: [
    { id: 1, slots: [0, 8_191], leader: 1, replicas: [1, 2], lag: 0, term: 3 },
    { id: 2, slots: [8_192, 16_383], leader: 0, replicas: [2, 9], lag: null },
  ],
  underReplicated: 2,
  version: '1.2.3',
  viewVersion: 5,
};

describe('what people see of a cluster', () => {
  test('status', () => {
    expect(statusLines(STATUS).join('\n')).toBe(
      [
        'cluster c1   folkmoot 1.2.3',
        '1 of 2 nodes alive; 2 tablets, 1 without a leader, 2 under-replicated',
        '',
        'id  name    host       zone  state  leads  replicas  redis  single   cql  admin',
        ' 1  node-1  127.0.0.1  east  alive      1         1   6379    6380  9042   7070',
        ' 2  node-2  127.0.0.2  west  DEAD       0         2   6379    6380  9042   7070',
      ].join('\n'),
    );
    expect(statusLines({ ...STATUS, clusterId: '' })[0]).toContain('folkmoot init');
  });

  test('tablets', () => {
    expect(tabletLines(STATUS).slice(2).join('\n')).toBe(
      [
        'id  slots       leader  replicas       lag  term',
        ' 1  0-8191      node-1  node-1 node-2    0     3',
        ' 2  8192-16383  NONE    node-2 9',
      ].join('\n'),
    );
  });
});

test('a node is found by id, name, host, and host with port', () => {
  for (const word of ['2', 'node-2', '127.0.0.2', '127.0.0.2:7070']) expect(findNode(STATUS, word).id).toBe(2);
  expect(() => findNode(STATUS, 'node-3')).toThrow('the cluster has no node "node-3"');
  const twins = STATUS.nodes.map((node) => ({ ...node, host: '127.0.0.1' }));
  expect(() => findNode({ ...STATUS, nodes: twins }, '127.0.0.1')).toThrow('more than one node');
});

test('--host takes a port, also behind an IPv6 address', () => {
  const defaults = Object.fromEntries(Object.entries(OPTIONS).map(([name, spec]) => [name, spec.default]));
  const client = (host: string) => adminClient({ ...(defaults as unknown as OptionValues), host });
  for (const host of ['h', 'h:80', '::1', '[::1]:80', '[::1]']) expect(() => client(host)).not.toThrow();
  expect(() => client('h:99999')).toThrow('port cannot exist');
});
