/**
 * The gateway of the PostgreSQL door alone in a process, for its CPU time: `node postgres-gateway.js ROOT PORT READ_PORT SOCKET_FOLDER...`,
 * the first folder the primary's. Everybody gets in without a password, as through PgBouncer with `auth_type = any`.
 */
import { connect } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

interface Door {
  start(): Promise<void>;
}

const [root = '', port = '0', readPort = '0', ...folders] = process.argv.slice(2);
const load = async (path: string): Promise<Record<string, new (options?: unknown) => unknown>> =>
  import(pathToFileURL(join(root, 'dist', path)).href);
const { PostgresDoor } = await load('doors/postgres/door.js');
const { RealClock } = await load('node/real-clock.js');
if (PostgresDoor === undefined || RealClock === undefined) throw new Error('the package has to be built');

const nothing = (): void => undefined;
const logger = { debug: nothing, info: nothing, warn: console.error, error: console.error, child: () => logger };
const view = {
  availability: 'serving',
  reason: '',
  epoch: 1,
  primary: 1,
  upcoming: 0,
  servers: folders.map((_, index) => ({
    node: index + 1,
    name: `n${index + 1}`,
    role: index === 0 ? 'primary' : 'standby',
    isAlive: true,
    replayedLsn: 0n,
  })),
};
const door = new PostgresDoor({
  servers: {
    view: () => view,
    watch: () => nothing,
    connect: (node: number) => connect({ path: join(folders[node - 1] ?? '', '.s.PGSQL.5432') }),
  },
  router: { view: () => ({ self: 1, nodes: [{ id: 1, alive: true }] }), serve: nothing, call: nothing },
  access: { isRequired: false, roles: new Map(), mayTry: () => true, isSuperuser: () => false },
  clock: new RealClock(),
  logger,
  host: '127.0.0.1',
  port: Number(port),
  readPort: Number(readPort),
  clients_max: 1_000,
  secure: null,
  tlsRequired: false,
}) as Door;
await door.start();
console.log('ready');
