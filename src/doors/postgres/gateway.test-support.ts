/** A gateway for tests, alone on its node, over servers that the test has started. */
import { silentLogger } from '../../base/log.ts';
import { AccessControl } from '../../cluster/access/access-control.ts';
import { ACCESS_SECTION, putInitialAccess } from '../../cluster/access/access-records.ts';
import { newRole, type Role } from '../../cluster/access/role.ts';
import { makeVerifier } from '../../cluster/access/scram.ts';
import { MemoryCatalog } from '../../cluster/catalog/memory-catalog.test-support.ts';
import type { ClusterView, NodeView, Router } from '../../cluster/view.ts';
import { RealClock } from '../../node/real-clock.ts';
import { PostgresDoor, type PostgresDoorOptions } from './door.ts';
import type { PostgresServers } from './servers.ts';

export const PASSWORD = 'secret of postgres';

type Handler = (from: number, request: Buffer, respond: (reply: Uint8Array) => void) => void;

/** Routers that reach each other in one process. */
export class TestNodes {
  readonly #handlers = new Map<string, Handler>();
  readonly #nodes: number[];

  constructor(nodes: number[]) {
    this.#nodes = nodes;
  }

  router(self: number): Router {
    const nodes = this.#nodes.map((id) => ({ id, alive: true }) as NodeView);
    const unused = (): never => {
      throw new Error('not for this door');
    };
    return {
      view: () => ({ self, nodes }) as unknown as ClusterView,
      submit: unused,
      submitToTablet: unused,
      ledTablets: unused,
      readLocal: unused,
      call: (node, service, request, onReply) => {
        const handler = this.#handlers.get(`${node}/${service}`);
        if (handler === undefined) onReply(null, false);
        else handler(self, Buffer.from(request), (reply) => onReply(Buffer.from(reply), true));
      },
      serve: (service, handler) => {
        this.#handlers.set(`${self}/${service}`, handler);
      },
    };
  }
}

export async function startGateway(
  servers: PostgresServers,
  options: Partial<PostgresDoorOptions> & { readonly roles?: readonly Role[]; readonly authentication?: boolean } = {},
): Promise<PostgresDoor> {
  const catalog = new MemoryCatalog();
  const clock = new RealClock();
  const access = new AccessControl({ catalog, clock, logger: silentLogger });
  const superuser = newRole('postgres', { superuser: true, login: true, passwords: [await makeVerifier(PASSWORD)] });
  const roles = [superuser, ...(options.roles ?? [])];
  catalog.serve(ACCESS_SECTION, (_request, records) =>
    putInitialAccess(records, { authentication: options.authentication ?? true, roles }),
  );
  await catalog.change(ACCESS_SECTION, null);
  const door = new PostgresDoor({
    servers,
    router: new TestNodes([1]).router(1),
    access,
    clock,
    logger: silentLogger,
    host: '127.0.0.1',
    port: 0,
    readPort: 0,
    clients_max: 200,
    secure: null,
    tlsRequired: false,
    ...options,
  });
  await door.start();
  return door;
}
