/**
 * A Redis Cluster client as small as it can be: HELLO, CLUSTER SLOTS, MOVED, and another node when one is gone. It tries a
 * command again only when the command certainly had no effect.
 */
import { slotOfString } from '../../doors/redis/slot.ts';
import { ConnectionLost } from '../connection-lost.ts';
import { RespConnection, RespError, type RespValue } from './resp-connection.ts';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** The command may or may not have been carried out. */
export class OutcomeUnknown extends Error {
  override readonly name = 'OutcomeUnknown';
}

/** Replies after which a command may be sent again: the cluster says that it did nothing. */
const REFUSED = /^(CLUSTERDOWN|TRYAGAIN|LOADING|ASK|MASTERDOWN)\b/;
const RETRY_MS = 10;

export class ClusterClient {
  readonly #seeds: readonly Endpoint[];
  readonly #connections = new Map<string, RespConnection>();
  /** Slot to `host:port` of its leader. */
  #slots: string[] = [];
  #refreshing: Promise<void> | undefined;
  #turn = 0;
  #closed = false;

  constructor(seeds: readonly Endpoint[]) {
    this.#seeds = seeds;
    this.#turn = Math.floor(Math.random() * seeds.length);
  }

  /** Rejects with `OutcomeUnknown`, or `Error` when the client has been closed. Error replies are returned. */
  async execute(key: string, ...args: readonly string[]): Promise<RespValue> {
    const slot = slotOfString(key);
    let target = this.#slots[slot] ?? this.#anySeed();
    while (!this.#closed) {
      let reply: RespValue;
      try {
        reply = await this.#connection(target).send(...args);
      } catch (error) {
        if (error instanceof ConnectionLost && error.sent) throw new OutcomeUnknown('the connection was lost');
        await this.#refresh();
        await pause(RETRY_MS);
        // The leader may be gone and its successor not elected: any other node takes the command and waits for it.
        target = this.#seedOtherThan(target);
        continue;
      }
      if (!(reply instanceof RespError)) return reply;
      const moved = /^MOVED \d+ (\S+)$/.exec(reply.text)?.[1];
      if (moved !== undefined) {
        if (moved === target) await pause(RETRY_MS);
        this.#slots[slot] = moved;
        void this.#refresh();
        target = moved;
      } else if (REFUSED.test(reply.text)) {
        await pause(RETRY_MS);
        target = this.#seedOtherThan(target);
      } else return reply;
    }
    throw new Error('the client is closed');
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#connections.values()) connection.close();
  }

  #connection(target: string): RespConnection {
    const open = this.#connections.get(target);
    if (open !== undefined && !open.lost) return open;
    const colon = target.lastIndexOf(':');
    const connection = new RespConnection(target.slice(0, colon), Number(target.slice(colon + 1)));
    this.#connections.set(target, connection);
    connection.send('HELLO', '3', 'SETNAME', 'folkmoot-testing').catch(() => undefined);
    return connection;
  }

  /** One at a time; a failure is met again, and handled, by the command that follows. */
  #refresh(): Promise<void> {
    this.#refreshing ??= this.#readSlots().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #readSlots(): Promise<void> {
    try {
      const reply = await this.#connection(this.#anySeed()).send('CLUSTER', 'SLOTS');
      if (Array.isArray(reply)) this.#slots = slotMap(reply);
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error;
    }
  }

  #anySeed(): string {
    this.#turn = (this.#turn + 1) % this.#seeds.length;
    const { host, port } = this.#seeds[this.#turn] as Endpoint;
    return `${host}:${port}`;
  }

  #seedOtherThan(target: string): string {
    const seed = this.#anySeed();
    return seed === target ? this.#anySeed() : seed;
  }
}

/** CLUSTER SLOTS: [first, last, [host, port, id, ...], replica ...] per range. */
function slotMap(ranges: readonly RespValue[]): string[] {
  const slots: string[] = [];
  for (const range of ranges) {
    if (!Array.isArray(range)) continue;
    const [first, last, leader] = range as readonly RespValue[];
    if (!Array.isArray(leader) || typeof leader[0] !== 'string') continue;
    for (let slot = Number(first); slot <= Number(last); slot++) slots[slot] = `${leader[0]}:${String(leader[1])}`;
  }
  return slots;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
