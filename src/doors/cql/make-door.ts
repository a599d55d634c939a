/** Puts the Cassandra door together: schema, rows, statements, connections. */
import { isIP } from 'node:net';
import { ACCESS_SECTION } from '../../cluster/access/access-records.ts';
import type { Catalog } from '../../cluster/catalog/catalog.ts';
import { CqlDoor, type CqlDoorOptions } from './door.ts';
import { Engine } from './planning/engine.ts';
import { RowBackground } from './routing/background.ts';
import { RowServices } from './routing/row-services.ts';
import { CQL_SECTION } from './schema/records.ts';
import { SchemaRegistry } from './schema/schema-registry.ts';
import type { SystemContext } from './schema/system/context.ts';
import { SYSTEM_SCHEMA } from './schema/system/system-tables.ts';
import type { Requester } from './session/engine.ts';

export interface MakeDoorOptions extends Omit<CqlDoorOptions, 'schema' | 'engine' | 'background' | 'catchUp'> {
  readonly catalog: Catalog;
  /** How long a statement that has had no effect is tried again. */
  readonly deadline_ms: number;
}

const CLUSTER_NAME = 'Folkmoot';
/** Drivers that send requests to any replica of the ring, whoever leads: they are told of one replica, the leader. */
const SHUFFLERS = /node\.js|scylla/i;

export function makeCqlDoor(options: MakeDoorOptions): CqlDoor {
  const { catalog, router, clock, access, logger, deadline_ms } = options;
  const schema = new SchemaRegistry(catalog, SYSTEM_SCHEMA);
  const rows = new RowServices({ router, clock, deadline_ms, schema });
  rows.serve();
  const system = (requester: Requester): SystemContext => ({
    view: router.view(),
    schema: schema.schema,
    clusterName: CLUSTER_NAME,
    addressOf: ({ id, host }) => addressOf(host) ?? (id === router.view().self ? requester.local : undefined),
    replication: SHUFFLERS.test(requester.driver) ? 'single' : 'asWritten',
    prepared: () => door.prepared(),
    clients: () => door.clients(),
    roles: () => access.roles.values(),
    settings: () => [],
  });
  const engine = new Engine({ router, access, catalog, schema, rows, clock, logger, system });
  const background = new RowBackground(rows, catalog, logger);
  const catchUp = async (): Promise<boolean> =>
    (await catalog.catchUp(CQL_SECTION)) && (await catalog.catchUp(ACCESS_SECTION));
  const door = new CqlDoor({ ...options, schema, engine, background, catchUp });
  return door;
}

/** Undefined for names, and for addresses that stand for any. */
function addressOf(host: string): string | undefined {
  return isIP(host) === 0 || host === '0.0.0.0' || host === '::' ? undefined : host;
}
