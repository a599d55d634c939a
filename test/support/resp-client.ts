/** The Redis connection of `src/testing/redis` under the names that the end-to-end tests use. */
import { ConnectionLost } from '../../src/testing/connection-lost.ts';
import { RespConnection, RespError, type RespValue } from '../../src/testing/redis/resp-connection.ts';

export type { Endpoint } from '../../src/testing/redis/cluster-client.ts';
export { ConnectionLost as NoReply, RespError as ErrorReply, type RespValue as Reply };

export class RespClient extends RespConnection {
  constructor(endpoint: { readonly host: string; readonly port: number }, timeout_ms = 10_000) {
    super(endpoint.host, endpoint.port, { timeout_ms });
  }

  get closed(): boolean {
    return this.lost;
  }

  /** Resolves with the reply, an error reply too; rejects with `NoReply`. */
  command(...args: readonly string[]): Promise<RespValue> {
    return this.send(...args);
  }
}
