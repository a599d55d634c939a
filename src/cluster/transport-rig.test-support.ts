/** Transports on one network that record what happens to them. */
import type { Clock } from '../base/clock.ts';
import { type LogFields, type Logger, silentLogger } from '../base/log.ts';
import type { Connection, Network } from '../base/network.ts';
import { Prng } from '../base/prng.ts';
import { Transport } from './transport.ts';
import type { BulkHandler, TransportCallbacks, TransportOptions } from './transport-types.ts';

export const CLUSTER = 'c0ffee00'.repeat(4);

export interface SeenFrame {
  readonly from: number;
  readonly channel: number;
  readonly text: string;
}

export class Station {
  readonly transport: Transport;
  readonly host: string;
  readonly frames: SeenFrame[] = [];
  readonly events: string[] = [];
  readonly refusals: string[] = [];
  readonly logs: string[] = [];
  onFrame: TransportCallbacks['onFrame'] = () => undefined;
  onPeerUp: (node: number) => void = () => undefined;
  onPeerDown: (node: number) => void = () => undefined;
  onBulk: (from: number, header: Buffer) => BulkHandler | string | null = () => null;
  onTunnel: (from: number, header: Buffer) => ((connection: Connection) => void) | string | null = () => null;
  onGuest: (request: Buffer, respond: (reply: Uint8Array) => void) => void = (request, respond) => respond(request);
  port = 0;

  constructor(
    world: { network: Network; clock: Clock },
    settings: { host: string; seed: number; options?: Partial<TransportOptions> },
  ) {
    this.host = settings.host;
    const record = (fields: LogFields, text: string): void => {
      this.logs.push(`${text}: ${String(fields['problem'] ?? fields['reason'] ?? '')}`);
    };
    const logger: Logger = { ...silentLogger, warn: record, error: record, info: record };
    this.transport = new Transport(
      { ...world, logger, prng: new Prng(settings.seed) },
      {
        onFrame: (from, channel, payload) => {
          this.frames.push({ from, channel, text: payload.toString('latin1', 0, 100) });
          this.onFrame(from, channel, payload);
        },
        onPeerUp: (node, epoch) => {
          this.events.push(`up ${node} ${epoch}`);
          this.onPeerUp(node);
        },
        onPeerDown: (node) => {
          this.events.push(`down ${node}`);
          this.onPeerDown(node);
        },
        onRefused: (node, reason) => this.refusals.push(`${node}: ${reason}`),
        onGuest: (request, respond) => this.onGuest(request, respond),
        onBulk: (from, header) => this.onBulk(from, header),
        onTunnel: (from, header) => this.onTunnel(from, header),
      },
      settings.options,
    );
  }

  async listen(port: number): Promise<this> {
    this.port = (await this.transport.start(this.host, port)).port;
    return this;
  }

  /** Becomes a node of the cluster, with the others as peers. */
  join(
    node: number,
    epoch: number,
    others: readonly { node: number; host: string; port: number }[],
    cluster = CLUSTER,
  ): void {
    this.transport.setIdentity({ clusterId: cluster, nodeId: node, epoch });
    this.transport.setPeers(others);
  }
}
