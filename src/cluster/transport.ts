/**
 * Frames, bulk streams and guest requests between the nodes of a cluster (transport-peer.ts: the link to one peer;
 * transport-handshake.ts: who may talk to whom; transport-bulk.ts; transport-guest.ts; transport-calls.ts: requests and
 * replies over frames).
 *
 * Life-cycle, called by the node: `start` once; `setIdentity` when the node has formed or joined a cluster (or knows from its
 * disk that it has); `setPeers` whenever the members or their addresses change; `stop` last.
 *
 * What is sent in one turn of the event loop leaves as one write per peer, at the end of the turn or at `flush`.
 */
import { assert } from '../base/assert.ts';
import type { Timer } from '../base/clock.ts';
import type { Insertion } from '../base/insertions.ts';
import type { Connection, Listener } from '../base/network.ts';
import type { FrameBuffer } from './frame-buffer.ts';
import { Acceptor } from './transport-acceptor.ts';
import { BulkPacer, type BulkReceiver, BulkSender } from './transport-bulk.ts';
import { guestCall } from './transport-guest.ts';
import {
  encodeHello,
  HELLO_EXTRA_BYTES_MAX,
  HelloKind,
  PROTOCOL_VERSION_MAX,
  PROTOCOL_VERSION_MIN,
  type Verdict,
} from './transport-handshake.ts';
import { type LinkStats, PeerLink } from './transport-peer.ts';
import {
  type BulkHandler,
  type BulkStream,
  CHANNEL_MAX,
  defaultTransportOptions,
  type NodeIdentity,
  type PeerAddress,
  type TransportCallbacks,
  type TransportOptions,
  type TransportWorld,
} from './transport-types.ts';
import type { NodeId } from './view.ts';

/** How long `stop` waits for the last bytes to leave. */
const STOP_TIMEOUT_MS = 500;
const NO_INSERTIONS: readonly Insertion[] = [];
const CLUSTER_ID = /^[0-9a-f]{32}$/;

export interface TransportStats {
  readonly links: readonly LinkStats[];
  readonly strangers: number;
  readonly bulkStreams: number;
}

export class Transport {
  readonly world: TransportWorld;
  readonly options: TransportOptions;
  readonly pacer: BulkPacer;
  /** Tells this process apart from another one that uses the same identity. */
  readonly process: number;
  readonly #callbacks: TransportCallbacks;
  readonly #acceptor = new Acceptor(this);
  readonly #links = new Map<NodeId, PeerLink>();
  readonly #bulks = new Set<BulkSender | BulkReceiver>();
  #identity: NodeIdentity | null = null;
  #peers: readonly PeerAddress[] = [];
  #blocked: ReadonlySet<NodeId> = new Set();
  #deafTo: ReadonlySet<NodeId> = new Set();
  #listener: Listener | null = null;
  #ticker: Timer | null = null;
  #stopped = false;
  #dirty: PeerLink[] = [];
  #flushIsPlanned = false;

  constructor(world: TransportWorld, callbacks: TransportCallbacks, options: Partial<TransportOptions> = {}) {
    this.world = world;
    this.#callbacks = callbacks;
    this.options = { ...defaultTransportOptions, ...options };
    this.pacer = new BulkPacer(world.clock, this.options.bulk_bytes_per_second);
    this.process = world.prng.uint32() || 1;
  }

  /** Rejects with `AddressError` when the address cannot be used. Guests are served from here on, members from `setIdentity`. */
  async start(listenHost: string, listenPort: number): Promise<{ port: number }> {
    assert(this.#listener === null, 'the transport is started once');
    const listener = await this.world.network.listen(listenHost, listenPort, (connection) => this.#accept(connection));
    this.#listener = listener;
    this.#ticker = this.world.clock.every(this.options.ping_interval_ms, () => {
      for (const link of this.#links.values()) link.tick();
    });
    return { port: listener.port };
  }

  /** Ends all connections; what is queued may still leave for half a second. */
  stop(): Promise<void> {
    this.#stopped = true;
    this.#ticker?.cancel();
    this.#acceptor.stop();
    for (const bulk of [...this.#bulks]) bulk.cut('this node stops');
    const closed = this.#listener?.close() ?? Promise.resolve();
    const leaving = new Promise<void>((resolve) => {
      const cuts: (() => void)[] = [];
      let waiting = 1;
      const done = (): void => {
        waiting--;
        if (waiting > 0) return;
        timeout.cancel();
        resolve();
      };
      const timeout = this.world.clock.after(STOP_TIMEOUT_MS, () => {
        for (const cut of cuts) cut();
        resolve();
      });
      for (const link of this.#links.values()) {
        waiting++;
        const cut = link.closeGently(done);
        if (cut === null) waiting--;
        else cuts.push(cut);
      }
      done();
    });
    this.#links.clear();
    return Promise.all([closed, leaving]).then(() => undefined);
  }

  get identity(): NodeIdentity | null {
    return this.#identity;
  }

  setIdentity(identity: NodeIdentity): void {
    assert(CLUSTER_ID.test(identity.clusterId), 'a cluster id is 32 lower-case hexadecimal digits');
    assert(Number.isSafeInteger(identity.epoch) && identity.epoch > 0, 'epochs are positive integers');
    const before = this.#identity;
    this.#identity = identity;
    if (before !== null) for (const link of this.#links.values()) link.cut('this node changed its identity');
    this.setPeers(this.#peers);
    for (const link of this.#links.values()) link.dial();
  }

  /** The other members. This node itself may be among them and is skipped. */
  setPeers(peers: readonly PeerAddress[]): void {
    this.#peers = peers;
    if (this.#stopped) return;
    const self = this.#identity?.nodeId ?? 0;
    const wanted = new Set<NodeId>();
    for (const peer of peers) {
      if (peer.node === self) continue;
      wanted.add(peer.node);
      const link = this.#links.get(peer.node);
      if (link === undefined) {
        const added = new PeerLink(this, peer.node, peer.host, peer.port);
        this.#links.set(peer.node, added);
        added.dial();
      } else link.moveTo(peer.host, peer.port);
    }
    for (const [node, link] of this.#links) {
      if (wanted.has(node)) continue;
      this.#links.delete(node);
      link.close('the node is no longer a member');
      this.#cutBulks('the node is no longer a member', (peer) => peer === node);
    }
  }

  // ---- Frames

  /**
   * Copies a frame into the peer's output buffer, all but what is inserted. False, and nothing is sent, when the peer is not connected or too much waits
   * for it. True does not mean that it arrives: see `onPeerDown`.
   */
  send(node: NodeId, channel: number, payload: Uint8Array, insertions: readonly Insertion[] = NO_INSERTIONS): boolean {
    assert(channel > 0 && channel <= CHANNEL_MAX, 'the channel is reserved');
    const link = this.#links.get(node);
    return link?.send(channel, payload, insertions) ?? false;
  }

  /** As `send`, for small frames of bounded number that must not be lost to a full queue. */
  sendUrgent(node: NodeId, channel: number, payload: Uint8Array): boolean {
    return this.#links.get(node)?.sendUrgent(channel, payload) ?? false;
  }

  /**
   * Opens a frame in the peer's output buffer for the caller to write its payload into; null when `send` would be false. The
   * caller closes it with `end` or takes it back with `cancel` before anything else is sent to that peer.
   */
  begin(node: NodeId, channel: number): FrameBuffer | null {
    assert(channel > 0 && channel <= CHANNEL_MAX, 'the channel is reserved');
    return this.#links.get(node)?.begin(channel) ?? null;
  }

  end(node: NodeId): void {
    this.#links.get(node)?.end();
  }

  cancel(node: NodeId): void {
    this.#links.get(node)?.cancel();
  }

  /** Writes out what was sent so far. Called by itself at the end of the turn. */
  flush(): void {
    const dirty = this.#dirty;
    for (let i = 0; i < dirty.length; i++) {
      const link = dirty[i] as PeerLink;
      link.isDirty = false;
      link.flush();
    }
    dirty.length = 0;
  }

  connected(node: NodeId): boolean {
    return this.#links.get(node)?.isUp ?? false;
  }

  /** Bytes that wait for a peer, for whoever wants to slow down before the limit. */
  queued_bytes(node: NodeId): number {
    return this.#links.get(node)?.queued_bytes ?? 0;
  }

  /** Ends the connections to a peer and dials it again, for an owner that knows better than TCP that they are dead. */
  reconnect(node: NodeId): void {
    this.#links.get(node)?.reset('reconnect was asked for');
  }

  // ---- Bulk streams and guests

  /**
   * Opens a bulk stream. `onClose` is called once: with null when the receiver has confirmed the end, else with what went
   * wrong; never before this returns.
   */
  openBulk(node: NodeId, header: Uint8Array, onClose: (error: Error | null) => void): BulkStream {
    assert(header.length <= HELLO_EXTRA_BYTES_MAX, 'a bulk header is longer than the limit');
    const link = this.#links.get(node);
    const identity = this.#identity;
    if (link === undefined || identity === null || this.#blocked.has(node) || this.#deafTo.has(node) || this.#stopped) {
      this.world.clock.endOfTurn(() => onClose(new Error(`node ${node} cannot be reached`)));
      return closedStream;
    }
    const hello = encodeHello({
      versionMin: PROTOCOL_VERSION_MIN,
      versionMax: PROTOCOL_VERSION_MAX,
      kind: HelloKind.bulk,
      clusterId: identity.clusterId,
      from: identity.nodeId,
      epoch: identity.epoch,
      process: this.process,
      to: node,
      extra: Buffer.from(header),
    });
    const connection = this.world.network.connect(link.host, link.port);
    const sender = new BulkSender(node, connection, hello, this, (error) => {
      this.#bulks.delete(sender);
      onClose(error);
    });
    this.#bulks.add(sender);
    return sender;
  }

  /** Asks a process of any cluster, or of none, as a guest. Rejects with `GuestCallError`. */
  guestCall(host: string, port: number, request: Uint8Array, timeout_ms: number): Promise<Buffer> {
    return guestCall(this.world, this.options, host, port, request, timeout_ms);
  }

  // ---- Fault injection

  /**
   * Until called with others: cuts `nodes` off in both directions, without a word to them, and loses whatever `deafTo` send,
   * as a network does that drops packets in one direction. Connections to those stay until somebody misses an answer.
   */
  block(nodes: Iterable<NodeId>, deafTo: Iterable<NodeId> = []): void {
    const wereDeafTo = this.#deafTo;
    this.#blocked = new Set(nodes);
    this.#deafTo = new Set(deafTo);
    for (const link of this.#links.values()) {
      if (this.#blocked.has(link.node)) link.cut('blocked');
      // Bytes are missing in the middle of its stream.
      else if (wereDeafTo.has(link.node) && !this.#deafTo.has(link.node)) link.reset('it is heard again');
      else link.dial();
    }
    this.#cutBulks('blocked', (node) => this.#blocked.has(node) || this.#deafTo.has(node));
  }

  isDeafTo(node: NodeId): boolean {
    return this.#deafTo.has(node);
  }

  strangerIsMember(): void {
    this.#callbacks.onUnknownMember?.();
  }

  isBlocked(node: NodeId): boolean {
    return this.#blocked.has(node);
  }

  stats(): TransportStats {
    const links: LinkStats[] = [];
    for (const link of this.#links.values()) links.push(link.stats());
    return { links, strangers: this.#acceptor.strangers, bulkStreams: this.#bulks.size };
  }

  // ---- For the parts of the transport

  link(node: NodeId): PeerLink | undefined {
    return this.#links.get(node);
  }

  linkIsDirty(link: PeerLink): void {
    this.#dirty.push(link);
    if (this.#flushIsPlanned) return;
    this.#flushIsPlanned = true;
    this.world.clock.endOfTurn(this.#flushAtEndOfTurn);
  }

  linkUp(link: PeerLink): void {
    this.world.logger.info({ peer: link.node, epoch: link.epoch }, 'peer: connected');
    this.#callbacks.onPeerUp?.(link.node, link.epoch);
  }

  linkDown(link: PeerLink): void {
    this.#callbacks.onPeerDown?.(link.node);
  }

  linkFrame(link: PeerLink, channel: number, payload: Buffer): void {
    this.#callbacks.onFrame(link.node, channel, payload);
  }

  linkRefused(link: PeerLink, reason: string, verdict: Verdict): void {
    this.#callbacks.onRefused?.(link.node, reason, verdict);
  }

  guestHandler(): ((request: Buffer, respond: (reply: Uint8Array) => void) => void) | null {
    const callbacks = this.#callbacks;
    return callbacks.onGuest === undefined ? null : (request, respond) => callbacks.onGuest?.(request, respond);
  }

  acceptBulk(from: NodeId, header: Buffer): BulkHandler | string | null {
    return this.#callbacks.onBulk?.(from, header) ?? null;
  }

  bulkOpened(receiver: BulkReceiver): void {
    this.#bulks.add(receiver);
  }

  bulkClosed(receiver: BulkReceiver): void {
    this.#bulks.delete(receiver);
  }

  #accept(connection: Connection): void {
    if (this.#stopped) connection.destroy();
    else this.#acceptor.accept(connection);
  }

  #cutBulks(reason: string, affects: (node: NodeId) => boolean): void {
    for (const bulk of [...this.#bulks]) if (affects(bulk.node)) bulk.cut(reason);
  }

  readonly #flushAtEndOfTurn = (): void => {
    this.#flushIsPlanned = false;
    this.flush();
  };
}

const closedStream: BulkStream = {
  write: () => undefined,
  end: () => undefined,
  abort: () => undefined,
};
