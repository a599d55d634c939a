/**
 * The link to one peer: a connection that this node dialled, on which it sends, and one that the peer dialled, on which it
 * receives. So there is no tie to break when both dial at once.
 *
 *   down ── outgoing accepted by the peer, and incoming accepted here, of one epoch ──> up
 *   up ──── either connection lost, or replaced by the peer, or the peer silent ──────> down
 *
 * Invariants:
 *  1. Frames are handed on only while up: what comes before the outgoing connection is accepted is kept back. So a frame can
 *     be answered, and whoever is called cannot see a frame of a peer before its `onPeerUp`. It is read all the same, a
 *     little of it, because behind it may be the end of the connection.
 *  2. Going down ends both connections. What the peer did not answer before will not be answered: its answers travelled on a
 *     connection that is gone.
 *  3. `epoch` never goes down. A connection of an older epoch than the newest seen is refused or closed.
 */
import { assert } from '../base/assert.ts';
import type { Timer } from '../base/clock.ts';
import type { Insertion } from '../base/insertions.ts';
import type { Connection } from '../base/network.ts';
import type { FrameBuffer } from './frame-buffer.ts';
import { FrameParser, FrameProblem } from './frame-parser.ts';
import {
  type Answer,
  encodeHello,
  HandshakeReader,
  type Hello,
  HelloKind,
  PROTOCOL_VERSION_MAX,
  PROTOCOL_VERSION_MIN,
  Verdict,
} from './transport-handshake.ts';
import { LinkOutput } from './transport-output.ts';
import { type NodeIdentity, PING_CHANNEL, type TransportOptions, type TransportWorld } from './transport-types.ts';
import type { NodeId } from './view.ts';

const EMPTY = Buffer.alloc(0);
const NOT_DIALLED_BACK_INTERVALS = 5;
/** What a peer sends before the link is up here too; past it the connection is paused. */
const HELD_BYTES_MAX = 256 * 1024;
/** So many attempts may fail while a peer starts or joins before that is worth a warning. */
const PASSING_ATTEMPTS = 4;

/** What a link needs of the transport. */
export interface LinkOwner {
  readonly world: TransportWorld;
  readonly options: TransportOptions;
  readonly identity: NodeIdentity | null;
  readonly process: number;
  isBlocked(node: NodeId): boolean;
  /** True: whatever the node sends gets lost. */
  isDeafTo(node: NodeId): boolean;
  /** The link has output that waits for `flush`. */
  linkIsDirty(link: PeerLink): void;
  linkUp(link: PeerLink): void;
  linkDown(link: PeerLink): void;
  linkFrame(link: PeerLink, channel: number, payload: Buffer): void;
  linkRefused(link: PeerLink, reason: string, verdict: Verdict): void;
}

export interface LinkStats {
  readonly node: NodeId;
  readonly up: boolean;
  readonly epoch: number;
  readonly queued_bytes: number;
  readonly sent_bytes: number;
  readonly received_bytes: number;
  readonly writes: number;
  readonly ups: number;
  readonly rejected_full: number;
}

export class PeerLink {
  readonly node: NodeId;
  readonly #owner: LinkOwner;
  #host: string;
  #port: number;
  /** Newest incarnation seen, 0 for none, and the process that showed it, 0 while unknown. */
  #epoch = 0;
  #process = 0;

  #outgoing: Connection | null = null;
  #accepted = false;
  #incoming: Connection | null = null;
  #parser: FrameParser | null = null;
  /** Came in before the link was up. */
  #held: Buffer[] = [];
  #held_bytes = 0;
  #up = false;
  #closed = false;

  readonly #output = new LinkOutput();
  isDirty = false;

  #dialTimer: Timer | null = null;
  #attempts = 0;
  /** How often the link has come up since it last stayed up for a while. */
  #flaps = 0;
  #lastTrouble = '';
  #silentIntervals = 0;
  #idle = true;
  #loneIntervals = 0;

  #received_bytes = 0;
  #ups = 0;
  #rejected_full = 0;

  constructor(owner: LinkOwner, node: NodeId, host: string, port: number) {
    this.#owner = owner;
    this.node = node;
    this.#host = host;
    this.#port = port;
  }

  get host(): string {
    return this.#host;
  }

  get port(): number {
    return this.#port;
  }

  get epoch(): number {
    return this.#epoch;
  }

  get isUp(): boolean {
    return this.#up;
  }

  get queued_bytes(): number {
    return this.#output.filling.size + (this.#outgoing === null ? 0 : this.#outgoing.bytesQueued);
  }

  stats(): LinkStats {
    return {
      node: this.node,
      up: this.#up,
      epoch: this.#epoch,
      queued_bytes: this.queued_bytes,
      sent_bytes: this.#output.sent_bytes,
      received_bytes: this.#received_bytes,
      writes: this.#output.writes,
      ups: this.#ups,
      rejected_full: this.#rejected_full,
    };
  }

  // ---- Sending

  send(channel: number, payload: Uint8Array, insertions: readonly Insertion[]): boolean {
    let size = payload.length;
    for (const { data } of insertions) size += data.length;
    assert(size <= this.#owner.options.frame_bytes_max, 'a frame is longer than the limit');
    if (!this.#up) return false;
    const queued = this.queued_bytes;
    if (queued > 0 && queued + size > this.#owner.options.queue_bytes_max) {
      this.#rejected_full++;
      return false;
    }
    this.#output.filling.frame(channel, payload, insertions);
    this.#markDirty();
    return true;
  }

  /** As `send` for a few bytes that must not be lost to a full queue; the caller bounds their number. */
  sendUrgent(channel: number, payload: Uint8Array): boolean {
    if (!this.#up) return false;
    this.#output.filling.frame(channel, payload);
    this.#markDirty();
    return true;
  }

  begin(channel: number): FrameBuffer | null {
    if (!this.#up) return null;
    if (this.queued_bytes >= this.#owner.options.queue_bytes_max) {
      this.#rejected_full++;
      return null;
    }
    const filling = this.#output.filling;
    filling.begin(channel);
    return filling;
  }

  end(): void {
    const length = this.#output.filling.end();
    assert(length <= this.#owner.options.frame_bytes_max, 'a frame is longer than the limit');
    this.#markDirty();
  }

  cancel(): void {
    this.#output.filling.cancel();
  }

  flush(): void {
    const connection = this.#outgoing;
    if (this.#up && connection !== null && this.#output.flush(connection)) this.#idle = false;
  }

  #markDirty(): void {
    if (this.isDirty) return;
    this.isDirty = true;
    this.#owner.linkIsDirty(this);
  }

  // ---- Dialling

  /** Dials unless that is done already, cannot be done yet, or must not be. */
  dial(): void {
    const owner = this.#owner;
    const identity = owner.identity;
    if (this.#closed || this.#outgoing !== null || identity === null || owner.isBlocked(this.node)) return;
    this.#dialTimer?.cancel();
    const { network, clock } = owner.world;
    const connection = network.connect(this.#host, this.#port);
    const reader = HandshakeReader.forAnswer();
    this.#outgoing = connection;
    this.#accepted = false;
    this.#dialTimer = clock.after(owner.options.connect_timeout_ms, () =>
      connection.destroy(new Error(`no answer within ${owner.options.connect_timeout_ms} ms`)),
    );
    connection.onConnect = () => {
      connection.write(
        encodeHello({
          versionMin: PROTOCOL_VERSION_MIN,
          versionMax: PROTOCOL_VERSION_MAX,
          kind: HelloKind.member,
          clusterId: identity.clusterId,
          from: identity.nodeId,
          epoch: identity.epoch,
          process: owner.process,
          to: this.node,
          extra: EMPTY,
        }),
      );
    };
    connection.onDrain = () => {
      if (this.#outgoing !== connection) return;
      this.#output.drained();
      this.flush();
    };
    connection.onClose = (error) => this.#outgoingClosed(connection, error);
    connection.onData = (chunk) => {
      if (this.#outgoing !== connection || owner.isDeafTo(this.node)) return;
      const state = this.#accepted ? 'garbage' : reader.push(chunk);
      if (state === 'partial') return;
      const answer = state === 'whole' ? reader.answer() : null;
      if (answer === null || reader.rest.length > 0) {
        connection.destroy(new Error('the other side does not speak the peer protocol'));
        return;
      }
      this.#answered(connection, answer);
    };
  }

  #answered(connection: Connection, answer: Answer): void {
    if (answer.verdict !== Verdict.accepted) {
      this.#refused(connection, answer.reason, answer.verdict);
      return;
    }
    if (answer.epoch < this.#epoch) {
      const reason = `epoch ${answer.epoch} answers where epoch ${this.#epoch} was seen before: two processes use one identity`;
      this.#refused(connection, reason, Verdict.staleEpoch);
      return;
    }
    if (answer.epoch > this.#epoch) this.#learnEpoch(answer.epoch, 0);
    this.#dialTimer?.cancel();
    this.#dialTimer = null;
    this.#accepted = true;
    if (this.#flaps === 0) this.#attempts = 0;
    this.#loneIntervals = 0;
    this.#upIfComplete();
  }

  #refused(connection: Connection, reason: string, verdict: Verdict): void {
    this.#reportTrouble(`refused: ${reason}`, verdict === Verdict.unknownNode || verdict === Verdict.notReady);
    this.#dropOutgoing();
    connection.destroy();
    this.#dialLater();
    this.#owner.linkRefused(this, reason, verdict);
  }

  #outgoingClosed(connection: Connection, error: Error | null): void {
    if (this.#outgoing !== connection) return;
    const wasAccepted = this.#accepted;
    if (!wasAccepted) {
      const isPassing = error !== null && 'code' in error && error.code === 'ECONNREFUSED';
      this.#reportTrouble(error === null ? 'closed during the handshake' : error.message, isPassing);
    }
    this.#dropOutgoing();
    this.#goDown(error === null ? 'the peer closed the connection' : error.message);
    this.#dialLater();
  }

  #dialLater(): void {
    if (this.#closed || this.#outgoing !== null) return;
    const { reconnect_ms_min, reconnect_ms_max } = this.#owner.options;
    const { clock, prng } = this.#owner.world;
    const ceiling = Math.min(reconnect_ms_max, reconnect_ms_min * 2 ** Math.min(this.#attempts, 16));
    this.#attempts++;
    // Jitter over the upper half, so that nodes that lost each other together do not dial in step.
    const delay_ms = ceiling * (0.5 + 0.5 * prng.fraction());
    this.#dialTimer?.cancel();
    this.#dialTimer = clock.after(delay_ms, () => this.dial());
  }

  /** One line per kind of trouble, not one per attempt. */
  #reportTrouble(text: string, isPassing: boolean): void {
    if (text === this.#lastTrouble && this.#attempts !== PASSING_ATTEMPTS) return;
    this.#lastTrouble = text;
    const { logger } = this.#owner.world;
    // The first attempts may meet a peer that is just starting or joining; what lasts is worth a warning.
    const log = isPassing && this.#attempts < PASSING_ATTEMPTS ? logger.debug : logger.warn;
    log.call(logger, { peer: this.node, host: this.#host, port: this.#port, problem: text }, 'peer: no connection');
  }

  // ---- Receiving

  /** Why an incoming connection of this node must be refused, or null. Remembers a newer epoch. */
  judge(hello: Hello): { verdict: Verdict; reason: string } | null {
    if (hello.epoch < this.#epoch) {
      const reason = `node ${this.node} is known at epoch ${this.#epoch}, this process has epoch ${hello.epoch}: two processes use one identity`;
      return { verdict: Verdict.staleEpoch, reason };
    }
    if (hello.epoch === this.#epoch && this.#process !== 0 && hello.process !== this.#process) {
      const reason = `another process is node ${this.node} at epoch ${hello.epoch}: two processes use one identity (a copied data folder?)`;
      return { verdict: Verdict.identityTaken, reason };
    }
    if (hello.epoch > this.#epoch) this.#learnEpoch(hello.epoch, hello.process);
    this.#process = hello.process;
    return null;
  }

  /** Takes an incoming connection that was judged and answered. */
  adopt(connection: Connection): void {
    // The peer dials again only when it has lost, or given up, the connections before.
    this.#goDown('the peer connected again');
    this.#dropIncoming();
    const parser = new FrameParser(this.#owner.options.frame_bytes_max, (channel, payload) => {
      if (channel !== PING_CHANNEL) this.#owner.linkFrame(this, channel, payload);
      return true;
    });
    this.#incoming = connection;
    this.#parser = parser;
    connection.onDrain = () => undefined;
    connection.onData = (chunk) => this.#received(connection, parser, chunk);
    connection.onClose = (error) => {
      if (this.#incoming !== connection) return;
      const wasUp = this.#up;
      this.#dropIncoming();
      this.#goDown(error === null ? 'the peer closed the connection' : error.message);
      if (wasUp) this.#dialLater();
    };
    this.#upIfComplete();
    // The peer is there: no reason to wait for the end of a back-off. But two nodes that answer each other's dials at once can
    // keep accepting connections that the other has given up by then, in step, for ever; waiting for different times
    // brings them out of it.
    if (this.#flaps === 0) this.dial();
    else if (this.#dialTimer === null) this.#dialLater();
  }

  #received(connection: Connection, parser: FrameParser, chunk: Buffer): void {
    if (this.#incoming !== connection || this.#owner.isDeafTo(this.node)) return;
    if (!this.#up) {
      this.#held.push(chunk);
      this.#held_bytes += chunk.length;
      if (this.#held_bytes > HELD_BYTES_MAX) connection.pause();
      return;
    }
    this.#silentIntervals = 0;
    this.#received_bytes += chunk.length;
    if (parser.push(chunk) !== FrameProblem.none) this.#garbage(connection, 'a frame longer than the limit');
  }

  #garbage(connection: Connection, problem: string): void {
    this.#owner.world.logger.error({ peer: this.node, remote: connection.remote, problem }, 'peer: protocol violation');
    this.reset(problem);
  }

  // ---- State

  #upIfComplete(): void {
    if (this.#up || !this.#accepted || this.#incoming === null) return;
    this.#up = true;
    this.#ups++;
    this.#flaps++;
    this.#silentIntervals = 0;
    this.#lastTrouble = '';
    const incoming = this.#incoming;
    const parser = this.#parser;
    const held = this.#held;
    const wasPaused = this.#held_bytes > HELD_BYTES_MAX;
    this.#held = [];
    this.#held_bytes = 0;
    this.#owner.linkUp(this);
    for (const chunk of held) if (parser !== null) this.#received(incoming, parser, chunk);
    if (wasPaused && this.#incoming === incoming) incoming.resume();
  }

  #goDown(reason: string): void {
    if (!this.#up) return;
    this.#up = false;
    this.#dropOutgoing();
    this.#dropIncoming();
    this.#lastTrouble = reason;
    this.#owner.world.logger.info({ peer: this.node, reason }, 'peer: connection lost');
    this.#owner.linkDown(this);
  }

  /** A new incarnation ends everything of the one before. */
  #learnEpoch(epoch: number, process: number): void {
    const before = this.#epoch;
    this.#epoch = epoch;
    this.#process = process;
    if (before === 0) return;
    this.#goDown('the peer was restarted');
    this.#dropIncoming();
    if (this.#accepted) this.#dropOutgoing();
  }

  #dropOutgoing(): void {
    const connection = this.#outgoing;
    this.#outgoing = null;
    this.#accepted = false;
    this.#dialTimer?.cancel();
    this.#dialTimer = null;
    if (connection === null) return;
    this.#output.clear();
    connection.destroy();
  }

  #dropIncoming(): void {
    const connection = this.#incoming;
    this.#incoming = null;
    this.#parser?.close();
    this.#parser = null;
    this.#held = [];
    this.#held_bytes = 0;
    connection?.destroy();
  }

  /** Once per ping interval. */
  tick(): void {
    if (!this.#up) {
      if (!this.#accepted) return;
      this.#loneIntervals++;
      if (this.#loneIntervals === NOT_DIALLED_BACK_INTERVALS)
        this.#reportTrouble(
          'it accepts connections but does not connect back: it may have a wrong address of this node',
          false,
        );
      return;
    }
    this.#flaps = 0;
    // Intervals of this node's own loop are counted, not time: after a stall of ours the peer's bytes are read first.
    this.#silentIntervals++;
    if (this.#silentIntervals > this.#owner.options.silent_intervals_max) {
      this.reset('the peer is silent');
      return;
    }
    if (this.#idle && this.queued_bytes === 0) {
      this.#output.rest();
      this.sendUrgent(PING_CHANNEL, EMPTY);
    }
    this.#idle = true;
  }

  /** Ends both connections and dials again. */
  reset(reason: string): void {
    this.#goDown(reason);
    this.#dropOutgoing();
    this.#dropIncoming();
    this.#dialLater();
  }

  moveTo(host: string, port: number): void {
    if (host === this.#host && port === this.#port) return;
    this.#host = host;
    this.#port = port;
    this.#goDown('the address of the peer changed');
    this.#dropOutgoing();
    this.dial();
  }

  /** Ends both connections until `dial` or an incoming connection. */
  cut(reason: string): void {
    this.#goDown(reason);
    this.#dropOutgoing();
    this.#dropIncoming();
  }

  close(reason: string): void {
    this.#closed = true;
    this.cut(reason);
  }

  /**
   * As `close`, but what is queued still leaves; `onClosed` is called when it has, or the connection broke. Returns how to
   * cut that short, null when there was nothing to wait for.
   */
  closeGently(onClosed: () => void): (() => void) | null {
    this.flush();
    this.#closed = true;
    const outgoing = this.#outgoing;
    const incoming = this.#incoming;
    if (!this.#up || outgoing === null || incoming === null) {
      this.close('this node stops');
      return null;
    }
    // Ending the incoming connection before the peer has read our last bytes could make it drop them (invariant 2).
    const rest = this.#output.takeRest();
    this.#outgoing = null;
    this.#incoming = null;
    incoming.pause();
    incoming.onClose = () => undefined;
    outgoing.onClose = () => {
      incoming.destroy();
      onClosed();
    };
    for (const piece of rest) outgoing.write(piece);
    outgoing.end();
    this.#goDown('this node stops');
    return () => {
      outgoing.destroy();
      incoming.destroy();
    };
  }
}
