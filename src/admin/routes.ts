/** The paths of the admin port as a table. What comes in is checked here; what it does is the source's. */
import { FolkmootError } from '../base/errors.ts';
import type { AdminSource, FirstAccess } from './admin-source.ts';
import type { ClusterStatus } from './cluster-status.ts';

export interface RouteRequest {
  readonly parameters: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface RouteReply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export interface Route {
  readonly method: 'GET' | 'POST';
  /** Segments; one that begins with `:` matches anything. */
  readonly path: string;
  readonly summary: string;
  readonly faultInjection?: true;
  answer(source: AdminSource, request: RouteRequest): RouteReply | Promise<RouteReply>;
}

export const ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/healthz',
    summary: 'Whether the process works: 200, or 503 with reasons. For liveness probes.',
    answer: (source) => {
      const report = source.healthy();
      return json(report.ok ? 200 : 503, report);
    },
  },
  {
    method: 'GET',
    path: '/readyz',
    summary: 'Whether every door serves: 200, or 503 with reasons. For readiness probes and load balancers.',
    answer: (source) => {
      if (source.ready()) return json(200, { ok: true, reasons: [] });
      return json(503, { ok: false, reasons: reasonsNotReady(source) });
    },
  },
  {
    method: 'GET',
    path: '/metrics',
    summary: 'Metrics in the text format of Prometheus.',
    answer: async (source) => ({
      status: 200,
      type: 'text/plain; version=0.0.4; charset=utf-8',
      body: await source.metricsText(),
    }),
  },
  {
    method: 'GET',
    path: '/api/status',
    summary: 'The cluster as this node sees it.',
    answer: (source) => json(200, source.status()),
  },
  {
    method: 'GET',
    path: '/api/tablets',
    summary: 'The tablets of `/api/status` alone.',
    answer: (source) => {
      const { clusterId, tablets, underReplicated } = source.status();
      return json(200, { clusterId, tablets, underReplicated });
    },
  },
  {
    method: 'POST',
    path: '/api/init',
    summary:
      '`{"auth": "auto", "superuser": {"name": ..., "verifier": "SCRAM-SHA-256$..."}}`, or `{}`: forms the cluster, once in its life.',
    answer: async (source, { body }) => {
      const { clusterId } = source.status();
      if (clusterId !== '') {
        const cure = 'Nothing is left to do; a further node joins with start --join.';
        throw new FolkmootError('ALREADY_FORMED', `cluster ${clusterId} is already formed`, cure);
      }
      await source.init(firstAccess(body));
      return json(200, { clusterId: source.status().clusterId });
    },
  },
  {
    method: 'POST',
    path: '/api/drain',
    summary: 'Hands the leadership of this node over; it leads nothing until it is started again.',
    answer: async (source) => {
      await source.drain();
      const { self, tablets } = source.status();
      return json(200, { node: self, leads: tablets.filter((tablet) => tablet.leader === self).length });
    },
  },
  {
    method: 'POST',
    path: '/api/tablets/:id/transfer',
    summary: '`{"node": 2}`: makes that node the leader of the tablet.',
    answer: async (source, request) => {
      const { tablet, node } = tabletAndNode(source.status(), request, 'node');
      if (!tablet.replicas.includes(node)) {
        throw new FolkmootError(
          'CONFLICT',
          `node ${node} has no replica of tablet ${tablet.id}`,
          `Choose one of ${tablet.replicas.join(', ')}, or add a replica first.`,
        );
      }
      await source.transfer(tablet.id, node);
      return json(200, { tablet: tablet.id, leader: node });
    },
  },
  {
    method: 'POST',
    path: '/api/tablets/:id/replicas',
    summary: '`{"add": 4}` or `{"remove": 1}`: gives that node a replica of the tablet, or takes it away.',
    answer: async (source, request) => {
      const { add, remove } = request.body;
      if ((add === undefined) === (remove === undefined)) {
        throw new FolkmootError('BAD_REQUEST', 'the body names no change', 'Send {"add": NODE} or {"remove": NODE}.');
      }
      const { tablet, node } = tabletAndNode(source.status(), request, add === undefined ? 'remove' : 'add');
      if (add === undefined) await source.removeReplica(tablet.id, node);
      else await source.addReplica(tablet.id, node);
      const after = source.status().tablets.find((candidate) => candidate.id === tablet.id);
      return json(200, { tablet: tablet.id, replicas: after?.replicas ?? [] });
    },
  },
  {
    method: 'POST',
    path: '/api/nodes/:id/remove',
    summary: 'Takes the node out of the cluster; it leaves `/api/status` when nothing counts on it any more.',
    answer: async (source, request) => {
      const node = Number(request.parameters['id']);
      if (!source.status().nodes.some(({ id }) => id === node)) {
        throw new FolkmootError('NOT_FOUND', `there is no node ${request.parameters['id']}`, 'See /api/status.');
      }
      await source.removeNode(node);
      return json(202, { node, leaving: true });
    },
  },
  {
    method: 'GET',
    path: '/api/postgres/pools',
    summary:
      'Pools of the PostgreSQL gateway of this node: clients, those that wait, connections; as SHOW POOLS of PgBouncer.',
    answer: (source) => json(200, source.postgresPools()),
  },
  {
    method: 'POST',
    path: '/api/postgres/switchover',
    summary: '`{"node": 2}`, or `{}` for the best one: makes that node the primary of PostgreSQL.',
    answer: async (source, { body }) => {
      const { node = 0 } = body;
      if (node !== 0 && !isId(node)) {
        throw new FolkmootError('BAD_REQUEST', '"node" is not the id of a node', 'Send {"node": 2} or {}.');
      }
      return json(200, { primary: await source.postgresSwitchover(node) });
    },
  },
  {
    method: 'POST',
    path: '/api/postgres/reinit',
    summary: '`{"node": 3}`: replaces the data of that standby by a copy of the primary\'s.',
    answer: async (source, { body }) => {
      if (!isId(body['node'])) {
        throw new FolkmootError('BAD_REQUEST', '"node" is not the id of a node', 'Send {"node": 3}.');
      }
      await source.postgresReinit(body['node']);
      return json(202, { node: body['node'] });
    },
  },
  {
    method: 'POST',
    path: '/api/postgres/set',
    summary: '`{"name": "work_mem", "value": "64MB"}`: a setting on all servers; null for PostgreSQL\'s own value.',
    answer: async (source, { body }) => {
      const { name, value } = body;
      if (typeof name !== 'string' || (typeof value !== 'string' && value !== null)) {
        throw new FolkmootError('BAD_REQUEST', '"name" or "value" is missing', 'Send {"name": ..., "value": ...}.');
      }
      return json(200, { name, value, afterRestart: await source.postgresSet(name, value) });
    },
  },
  {
    method: 'POST',
    path: '/api/postgres/override',
    summary: '`{"epoch": 8}`: goes on without the servers that do not answer. What only they have is lost.',
    answer: async (source, { body }) => {
      if (!isId(body['epoch'])) {
        throw new FolkmootError('BAD_REQUEST', '"epoch" is not a number', 'Send the epoch of /api/status.');
      }
      await source.postgresOverride(body['epoch']);
      return json(200, { epoch: body['epoch'] });
    },
  },
  {
    method: 'POST',
    path: '/api/faults/block',
    summary:
      '`{"nodes": [2], "deafTo": [3]}`: until told otherwise, exchanges nothing with nodes, and loses what those in deafTo send.',
    faultInjection: true,
    answer: (source, request) => {
      const { nodes, deafTo = [] } = request.body;
      for (const [name, list] of Object.entries({ nodes, deafTo })) {
        if (Array.isArray(list) && list.every(isId)) continue;
        throw new FolkmootError('BAD_REQUEST', `"${name}" is not a list of node ids`, 'Send {"nodes": [2, 3]}.');
      }
      source.block(nodes as number[], deafTo as number[]);
      return json(200, { blocked: nodes, deafTo });
    },
  },
  {
    method: 'POST',
    path: '/api/faults/clock',
    summary: '`{"by_ms": -5000}`: the wall clock of the node jumps, forward or back.',
    faultInjection: true,
    answer: (source, request) => {
      const { by_ms } = request.body;
      if (!Number.isSafeInteger(by_ms)) {
        throw new FolkmootError('BAD_REQUEST', '"by_ms" is not a whole number', 'Send {"by_ms": 5000}.');
      }
      source.shiftClock(by_ms as number);
      return json(200, { by_ms });
    },
  },
];

function firstAccess({ auth = 'auto', superuser }: RouteRequest['body']): FirstAccess {
  if (auth !== 'auto' && auth !== 'on' && auth !== 'off') {
    throw new FolkmootError('BAD_REQUEST', '"auth" is none of auto, on and off', 'Send {"auth": "on"}.');
  }
  if (superuser === undefined) return { auth, local: false };
  const { name, verifier } = (superuser ?? {}) as Record<string, unknown>;
  if (typeof name !== 'string' || typeof verifier !== 'string') {
    throw new FolkmootError(
      'BAD_REQUEST',
      '"superuser" lacks a name or a verifier',
      'Use `folkmoot init --superuser`.',
    );
  }
  return { auth, local: false, superuser: { name, verifier } };
}

/** Throws NOT_FOUND or METHOD_NOT_ALLOWED. */
export function findRoute(
  method: string,
  path: string,
): { route: Route; parameters: Readonly<Record<string, string>> } {
  const allowed: string[] = [];
  for (const route of ROUTES) {
    const parameters = matchPath(route.path, path);
    if (parameters === undefined) continue;
    if (route.method === method) return { route, parameters };
    allowed.push(route.method);
  }
  if (allowed.length > 0) {
    throw new FolkmootError('METHOD_NOT_ALLOWED', `${path} does not take ${method}`, `Use ${allowed.join(' or ')}.`);
  }
  const paths = ROUTES.filter((route) => route.method === 'GET').map((route) => route.path);
  throw new FolkmootError('NOT_FOUND', `there is no ${path}`, `Try ${paths.join(', ')}.`);
}

function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, segment] of wanted.entries()) {
    const value = given[index] ?? '';
    if (segment.startsWith(':')) parameters[segment.slice(1)] = value;
    else if (segment !== value) return undefined;
  }
  return parameters;
}

function tabletAndNode(status: ClusterStatus, request: RouteRequest, field: string) {
  const id = Number(request.parameters['id']);
  const tablet = status.tablets.find((candidate) => candidate.id === id);
  if (tablet === undefined) {
    throw new FolkmootError('NOT_FOUND', `there is no tablet ${request.parameters['id']}`, 'See /api/tablets.');
  }
  const node = request.body[field];
  if (!isId(node)) {
    throw new FolkmootError('BAD_REQUEST', `"${field}" is not the id of a node`, `Send {"${field}": 2}.`);
  }
  if (!status.nodes.some((candidate) => candidate.id === node)) {
    throw new FolkmootError('NOT_FOUND', `there is no node ${node}`, 'See /api/status.');
  }
  return { tablet, node };
}

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

function reasonsNotReady(source: AdminSource): string[] {
  const reasons = [...source.healthy().reasons];
  const status = source.status();
  if (status.clusterId === '') reasons.push('the cluster is not formed yet');
  const leaderless = status.tablets.filter((tablet) => tablet.leader === 0).length;
  if (leaderless > 0) reasons.push(`${leaderless} of ${status.tablets.length} tablets have no known leader`);
  return reasons.length > 0 ? reasons : ['the node is starting or draining'];
}

function json(status: number, value: unknown): RouteReply {
  return { status, type: 'application/json', body: `${JSON.stringify(value)}\n` };
}
