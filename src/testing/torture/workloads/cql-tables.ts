/** The tables of the workloads at the Cassandra door. */
import type { CqlSession } from '../cql-session.ts';

const KEYSPACE = 'torture';

export const REGISTERS = `${KEYSPACE}.registers`;
export const COUNTERS = `${KEYSPACE}.counters`;
export const LISTS = `${KEYSPACE}.lists`;
export const GROUPS = `${KEYSPACE}.groups`;

/** To be awaited before the first client starts. */
export async function makeTables(session: CqlSession): Promise<void> {
  const statements = [
    `CREATE KEYSPACE IF NOT EXISTS ${KEYSPACE} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}`,
    `CREATE TABLE IF NOT EXISTS ${REGISTERS} (k text PRIMARY KEY, v text)`,
    `CREATE TABLE IF NOT EXISTS ${COUNTERS} (k text PRIMARY KEY, n counter)`,
    `CREATE TABLE IF NOT EXISTS ${LISTS} (k text PRIMARY KEY, l list<text>)`,
    `CREATE TABLE IF NOT EXISTS ${GROUPS} (k text, part text, l list<text>, PRIMARY KEY (k, part))`,
  ];
  for (const statement of statements) await session.execute(statement);
}
