/** Reads everything that was acknowledged through one node, and says what is missing. */
import type { Endpoint } from '../../testing/redis/cluster-client.ts';
import { RespConnection, RespError } from '../../testing/redis/resp-connection.ts';

const BATCH = 500;
const TIMEOUT_MS = 15_000;

/** Keys that are missing or hold another value, as `endpoint` (a single-endpoint port) answers. */
export async function readBack(endpoint: Endpoint, acknowledged: ReadonlyMap<string, string>): Promise<string[]> {
  const connection = new RespConnection(endpoint.host, endpoint.port);
  const deadline = setTimeout(() => connection.close(), TIMEOUT_MS);
  const lost: string[] = [];
  try {
    let batch: [string, string][] = [];
    for (const entry of acknowledged) {
      batch.push(entry);
      if (batch.length < BATCH) continue;
      lost.push(...(await readBatch(connection, batch)));
      batch = [];
    }
    lost.push(...(await readBatch(connection, batch)));
    return lost;
  } finally {
    clearTimeout(deadline);
    connection.close();
  }
}

async function readBatch(connection: RespConnection, batch: readonly [string, string][]): Promise<string[]> {
  const replies = await Promise.all(batch.map(([key]) => connection.send('GET', key)));
  const lost: string[] = [];
  for (const [index, [key, value]] of batch.entries()) {
    const reply = replies[index];
    // Not an answer is not a loss, and not a proof either: the demo fails with the node's own words.
    if (reply instanceof RespError) throw new Error(`GET ${key} answered ${reply.text}`);
    if (reply !== value) lost.push(key);
  }
  return lost;
}
