/** The tables of the workloads at the PostgreSQL door. */
import type { PostgresSession } from '../postgres-session.ts';

const SCHEMA = 'torture';

export const REGISTERS = `${SCHEMA}.registers`;
export const COUNTERS = `${SCHEMA}.counters`;
export const LISTS = `${SCHEMA}.lists`;

/** To be awaited before the first client starts. */
export async function makePostgresTables(session: PostgresSession): Promise<void> {
  await session.execute(`
    CREATE SCHEMA IF NOT EXISTS ${SCHEMA};
    CREATE TABLE IF NOT EXISTS ${REGISTERS} (k text PRIMARY KEY, v text);
    CREATE TABLE IF NOT EXISTS ${COUNTERS} (k text PRIMARY KEY, n bigint NOT NULL);
    CREATE TABLE IF NOT EXISTS ${LISTS} (k text PRIMARY KEY, v text NOT NULL)`);
}

/** Keys and values are made of letters, digits and signs that mean nothing in a literal; the quotes are all that it takes. */
export function literal(text: string | null): string {
  return text === null ? 'NULL' : `'${text.replaceAll("'", "''")}'`;
}
