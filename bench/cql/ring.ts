/** Which node to ask for a key, as drivers that know the ring choose it: the owner of the first token that is not before the key's. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BenchClient } from './client.ts';

/** Of the built package: the hash is the same on both sides. */
interface TokenModule {
  tokenOf(key: Uint8Array): { readonly high: number; readonly low: number };
}

interface RingToken {
  readonly high: number;
  readonly node: number;
}

export class Ring {
  readonly #tokens: readonly RingToken[];
  readonly #tokenOf: TokenModule['tokenOf'];

  private constructor(tokens: readonly RingToken[], tokenOf: TokenModule['tokenOf']) {
    this.#tokens = tokens;
    this.#tokenOf = tokenOf;
  }

  /** `clients`: one for each node. */
  static async of(clients: readonly BenchClient[], root: string): Promise<Ring> {
    const path = join(root, 'dist', 'doors', 'cql', 'types', 'token.js');
    const { tokenOf } = (await import(pathToFileURL(path).href)) as TokenModule;
    const tokens = await Promise.all(
      clients.map(async (client, node) =>
        tokensIn(await client.query('SELECT tokens FROM system.local')).map((token) => ({
          // The first half decides; that two tokens share it does not happen.
          high: Number(BigInt(token) >> 32n),
          node,
        })),
      ),
    );
    return new Ring(
      tokens.flat().sort((a, b) => a.high - b.high),
      tokenOf,
    );
  }

  nodeOf(key: string): number {
    const high = this.#tokenOf(Buffer.from(key)).high | 0;
    const tokens = this.#tokens;
    let from = 0;
    let to = tokens.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((tokens[middle]?.high ?? 0) < high) from = middle + 1;
      else to = middle;
    }
    return tokens[from % tokens.length]?.node ?? 0;
  }
}

/** The texts of the one set in the one row of a result. */
function tokensIn(body: Buffer): string[] {
  let at = 12;
  const skipString = (): void => {
    at += 2 + body.readUInt16BE(at);
  };
  // Keyspace, table and name of the column; its type is a set of texts.
  for (let part = 0; part < 3; part++) skipString();
  at += 4;
  // One row, its value's length.
  at += 8;
  const count = body.readInt32BE(at);
  at += 4;
  return Array.from({ length: count }, () => {
    const length = body.readInt32BE(at);
    at += 4 + length;
    return body.toString('utf8', at - length, at);
  });
}
