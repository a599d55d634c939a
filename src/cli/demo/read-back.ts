/** Reads everything that was acknowledged through one door of one node, and says what is missing. */
import { CqlConnection, CqlServerError } from '../../testing/cql/cql-connection.ts';
import type { Endpoint } from '../../testing/redis/cluster-client.ts';
import { RespConnection, RespError } from '../../testing/redis/resp-connection.ts';
import { CQL_USER, SELECT } from './write-clients.ts';

const BATCH = 500;
const TIMEOUT_MS = 15_000;

/** Keys that are missing or hold another value, as a single-endpoint port of Redis answers. */
export async function readBack(endpoint: Endpoint, acknowledged: ReadonlyMap<string, string>): Promise<string[]> {
  const connection = new RespConnection(endpoint.host, endpoint.port);
  return compare(connection, acknowledged, async (key) => {
    const reply = await connection.send('GET', key);
    // Not an answer is not a loss, and not a proof either: the demo fails with the node's own words.
    if (reply instanceof RespError) throw new Error(`GET ${key} answered ${reply.text}`);
    return reply;
  });
}

/** The same at the Cassandra door. */
export async function readBackCql(endpoint: Endpoint, acknowledged: ReadonlyMap<string, string>): Promise<string[]> {
  const connection = new CqlConnection(endpoint.host, endpoint.port, CQL_USER);
  return compare(connection, acknowledged, async (key) => {
    const reply = await connection.send({ statement: { text: SELECT, values: [key] } });
    if (reply instanceof CqlServerError) throw new Error(`SELECT of ${key} answered ${reply.text}`);
    return reply[0]?.['v'];
  });
}

async function compare(
  connection: { close(): void },
  acknowledged: ReadonlyMap<string, string>,
  read: (key: string) => Promise<unknown>,
): Promise<string[]> {
  const deadline = setTimeout(() => connection.close(), TIMEOUT_MS);
  const lost: string[] = [];
  try {
    const entries = [...acknowledged];
    for (let at = 0; at < entries.length; at += BATCH) {
      const batch = entries.slice(at, at + BATCH);
      const found = await Promise.all(batch.map(([key]) => read(key)));
      for (const [index, [key, value]] of batch.entries()) if (found[index] !== value) lost.push(key);
    }
    return lost;
  } finally {
    clearTimeout(deadline);
    connection.close();
  }
}
