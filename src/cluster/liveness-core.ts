/**
 * The rules of liveness, without threads, timers or sockets: heartbeats out, answers in, promises in `LivenessMemory`. Run by
 * `LivenessEngine`, in a worker thread or in the simulator.
 *
 * Below, this node is B when it promises and A when it is promised to.
 *
 *  1. A sends every peer a heartbeat per interval, with its time and the ages of its main loop and of its running fdatasync.
 *  2. B answers "I support you, in generation g, for D from now" and keeps that as its promise. It does not answer when A is
 *     stuck: the worker of a wedged node goes on sending.
 *  3. A counts on the support from when it sent the heartbeat, for 0.9 D. B made its promise later than that, and 0.1 D covers
 *     clocks that run at different speeds. No two clocks are ever compared.
 *  4. A generation is one unbroken stretch. When B's promise has run out, or B's main thread withdrew it, the next answer has
 *     a higher generation.
 *  5. Generations of one B grow over its restarts: epoch of B * 2^24 + count. (B's new incarnation has forgotten what it
 *     promised. It keeps out of elections for D, see `Liveness.mayVote`.)
 *  6. A new epoch of A ends the support of the one before; heartbeats and answers of or for an older epoch are ignored.
 *  7. A heartbeat that is not newer than the last one is ignored, and so is an answer: late datagrams prove nothing new.
 */
import { assert } from '../base/assert.ts';
import type {
  LivenessChange,
  LivenessIdentity,
  LivenessOptions,
  LivenessPeerStats,
  LivenessStats,
} from './liveness.ts';
import { LIVENESS_EPOCH_MAX } from './liveness.ts';
import { DatagramCheck, DatagramType, decodeDatagram, encodeDatagram, newDatagram } from './liveness-datagram.ts';
import { type LivenessMemory, PROMISE_MS_MAX } from './liveness-memory.ts';
import type { NodeId } from './view.ts';

export const GENERATIONS_PER_EPOCH = 2 ** 24;

export interface LivenessCorePeer {
  readonly node: NodeId;
  /** The peer's words in the memory. A slot belongs to one node for as long as the process lives. */
  readonly slot: number;
}

export interface LivenessCoreWorld {
  now_ms(): number;
  send(node: NodeId, bytes: Uint8Array): void;
  changed(node: NodeId, change: LivenessChange): void;
}

class PeerState {
  readonly node: NodeId;
  readonly slot: number;
  epoch = 0;
  // As B: what it sent us.
  heartbeatSeen = 0;
  heartbeatAt_ms = 0;
  supported = false;
  generation = 0;
  stretches = 0;
  // As A: what we sent it.
  sequence = 0;
  answerSeen = 0;
  generationFrom = 0;
  until_ms = 0;
  // For metrics.
  rtt_ms = 0;
  rtt_ms_max = 0;
  gap_ms_max = 0;
  gap_ms_worst = 0;
  heartbeatsReceived = 0;
  answersReceived = 0;
  refused = 0;

  constructor(node: NodeId, slot: number) {
    this.node = node;
    this.slot = slot;
  }
}

export class LivenessCore {
  readonly #identity: LivenessIdentity;
  readonly #options: LivenessOptions;
  readonly #memory: LivenessMemory;
  readonly #world: LivenessCoreWorld;
  readonly #clusterId: Buffer;
  readonly #sealKey: Buffer;
  /** Peers that were removed are kept: their promises go on, and so do their generations when they come back. */
  readonly #states = new Map<NodeId, PeerState>();
  #peers: PeerState[] = [];
  #peerNodes: ReadonlySet<NodeId> = new Set();
  #blocked: ReadonlySet<NodeId> = new Set();
  #deafTo: ReadonlySet<NodeId> = new Set();
  readonly #in = newDatagram();
  readonly #out = newDatagram();
  #malformed = 0;
  #strange = 0;
  #stale = 0;
  #stalls = 0;
  #stall_ms_worst = 0;
  #tickedAt_ms = 0;

  constructor(memory: LivenessMemory, world: LivenessCoreWorld, identity: LivenessIdentity, options: LivenessOptions) {
    validateLivenessOptions(options);
    assert(identity.epoch >= 1 && identity.epoch <= LIVENESS_EPOCH_MAX, 'the epoch of a node is in its range');
    this.#memory = memory;
    this.#world = world;
    this.#identity = identity;
    this.#options = options;
    this.#clusterId = Buffer.from(identity.clusterId, 'hex');
    this.#sealKey = Buffer.from(options.sealKey, 'hex');
    assert(this.#clusterId.length === 16, 'a cluster id is 32 hexadecimal digits');
  }

  setPeers(peers: readonly LivenessCorePeer[]): void {
    const nodes = new Set<NodeId>();
    const states: PeerState[] = [];
    for (const peer of peers) {
      if (peer.node === this.#identity.node) continue;
      let state = this.#states.get(peer.node);
      if (state === undefined) {
        state = new PeerState(peer.node, peer.slot);
        this.#states.set(peer.node, state);
      }
      assert(state.slot === peer.slot, 'a slot of the liveness memory belongs to one node');
      nodes.add(peer.node);
      states.push(state);
    }
    this.#peers = states;
    this.#peerNodes = nodes;
  }

  block(nodes: Iterable<NodeId>, deafTo: Iterable<NodeId> = []): void {
    this.#blocked = new Set(nodes);
    this.#deafTo = new Set(deafTo);
  }

  /** Once per heartbeat interval. */
  tick(): void {
    const now_ms = this.#world.now_ms();
    this.#noteStall(now_ms);
    const out = this.#out;
    out.type = DatagramType.heartbeat;
    out.from = this.#identity.node;
    out.epoch = this.#identity.epoch;
    out.loopAge_ms = this.#memory.loopAge_ms(now_ms);
    out.syncAge_ms = this.#memory.syncAge_ms(now_ms);
    for (const peer of this.#peers) {
      if (this.#blocked.has(peer.node)) continue;
      peer.sequence++;
      out.to = peer.node;
      out.sequence = peer.sequence;
      // Read again per peer: sending to the ones before took time, and rule 3 counts from here.
      out.sentAt_us = Math.floor(this.#world.now_ms() * 1000);
      this.#world.send(peer.node, encodeDatagram(out, this.#clusterId, this.#sealKey));
    }
  }

  /**
   * Ends the promises that have run out and reports them. Returns how long until the next one may, or Infinity. The
   * engine calls it then: main should act on the end of support at once, not at its next tick.
   */
  sweep(): number {
    const now_ms = this.#world.now_ms();
    let next_ms = Number.POSITIVE_INFINITY;
    for (const peer of this.#states.values()) {
      if (!peer.supported) continue;
      const left_ms = this.#memory.left_ms(peer.slot, now_ms);
      if (left_ms > 0) next_ms = Math.min(next_ms, left_ms);
      else {
        peer.supported = false;
        this.#report(peer);
      }
    }
    return next_ms;
  }

  receive(bytes: Buffer): void {
    const datagram = this.#in;
    const check = decodeDatagram(bytes, this.#clusterId, datagram, this.#sealKey);
    if (check === DatagramCheck.malformed) {
      this.#malformed++;
      return;
    }
    const peer = this.#states.get(datagram.from);
    if (
      check !== DatagramCheck.good ||
      peer === undefined ||
      !this.#peerNodes.has(datagram.from) ||
      datagram.to !== this.#identity.node
    ) {
      this.#strange++;
      return;
    }
    if (this.#blocked.has(peer.node) || this.#deafTo.has(peer.node)) return;
    if (datagram.epoch < peer.epoch) {
      this.#stale++;
      return;
    }
    if (datagram.epoch > peer.epoch) this.#newEpoch(peer, datagram.epoch);
    if (datagram.type === DatagramType.heartbeat) this.#heartbeat(peer);
    else this.#support(peer);
  }

  /** Values of the last second or so are reset by reading them. */
  stats(): LivenessStats {
    const peers: LivenessPeerStats[] = [];
    for (const peer of this.#peers) {
      peers.push({
        node: peer.node,
        epoch: peer.epoch,
        generationFor: peer.supported ? peer.generation : 0,
        breaks: Math.max(0, peer.stretches - 1),
        generationFrom: peer.generationFrom,
        rtt_ms: peer.rtt_ms,
        rtt_ms_max: peer.rtt_ms_max,
        gap_ms_max: peer.gap_ms_max,
        gap_ms_worst: peer.gap_ms_worst,
        heartbeatsSent: peer.sequence,
        heartbeatsReceived: peer.heartbeatsReceived,
        answersReceived: peer.answersReceived,
        refused: peer.refused,
      });
      peer.rtt_ms_max = 0;
      peer.gap_ms_max = 0;
    }
    return {
      peers,
      malformed: this.#malformed,
      strange: this.#strange,
      stale: this.#stale,
      stalls: this.#stalls,
      stall_ms_worst: this.#stall_ms_worst,
    };
  }

  /** As B. */
  #heartbeat(peer: PeerState): void {
    const datagram = this.#in;
    if (datagram.sequence <= peer.heartbeatSeen) {
      this.#stale++;
      return;
    }
    const now_ms = this.#world.now_ms();
    peer.heartbeatSeen = datagram.sequence;
    this.#noteGap(peer, now_ms);
    if (datagram.loopAge_ms > this.#options.loop_age_ms_max || datagram.syncAge_ms > this.#options.sync_age_ms_max) {
      peer.refused++;
      return;
    }
    const until_ms = now_ms + this.#options.promise_ms;
    if (!this.#memory.extend(peer.slot, now_ms, until_ms)) {
      peer.stretches++;
      assert(peer.stretches < GENERATIONS_PER_EPOCH, 'support for a peer broke more often than generations can count');
      peer.generation = this.#identity.epoch * GENERATIONS_PER_EPOCH + peer.stretches;
      this.#memory.begin(peer.slot, peer.generation, until_ms);
      peer.supported = true;
      this.#report(peer);
    }
    const out = this.#out;
    out.type = DatagramType.support;
    out.from = this.#identity.node;
    out.to = peer.node;
    out.epoch = this.#identity.epoch;
    out.sequence = datagram.sequence;
    out.sentAt_us = datagram.sentAt_us;
    out.supportedEpoch = peer.epoch;
    out.generation = peer.generation;
    out.promise_ms = this.#options.promise_ms;
    this.#world.send(peer.node, encodeDatagram(out, this.#clusterId, this.#sealKey));
  }

  /** As A. */
  #support(peer: PeerState): void {
    const datagram = this.#in;
    const now_ms = this.#world.now_ms();
    const sentAt_ms = datagram.sentAt_us / 1000;
    if (
      datagram.supportedEpoch !== this.#identity.epoch ||
      datagram.sequence <= peer.answerSeen ||
      datagram.sequence > peer.sequence ||
      datagram.generation < peer.generationFrom
    ) {
      this.#stale++;
      return;
    }
    // The echo of a time that we cannot have sent, or a promise of impossible length.
    if (sentAt_ms > now_ms || datagram.generation === 0 || datagram.promise_ms > PROMISE_MS_MAX) {
      this.#malformed++;
      return;
    }
    peer.answerSeen = datagram.sequence;
    peer.answersReceived++;
    peer.rtt_ms = now_ms - sentAt_ms;
    peer.rtt_ms_max = Math.max(peer.rtt_ms_max, peer.rtt_ms);
    const length_ms = datagram.promise_ms * this.#options.promise_used;
    const until_ms = sentAt_ms + length_ms;
    peer.generationFrom = datagram.generation;
    peer.until_ms = until_ms;
    this.#memory.receive(peer.slot, datagram.generation, until_ms, length_ms);
  }

  #newEpoch(peer: PeerState, epoch: number): void {
    peer.epoch = epoch;
    peer.heartbeatSeen = 0;
    peer.heartbeatAt_ms = 0;
    this.#memory.setEpoch(peer.slot, epoch);
    this.#memory.withdraw(peer.slot);
    peer.supported = false;
    this.#report(peer);
  }

  #report(peer: PeerState): void {
    this.#world.changed(peer.node, {
      supported: peer.supported,
      generation: peer.supported ? peer.generation : 0,
      epoch: peer.epoch,
    });
  }

  #noteGap(peer: PeerState, now_ms: number): void {
    peer.heartbeatsReceived++;
    const gap_ms = peer.heartbeatAt_ms === 0 ? 0 : now_ms - peer.heartbeatAt_ms;
    peer.heartbeatAt_ms = now_ms;
    peer.gap_ms_max = Math.max(peer.gap_ms_max, gap_ms);
    peer.gap_ms_worst = Math.max(peer.gap_ms_worst, gap_ms);
  }

  #noteStall(now_ms: number): void {
    const late_ms = this.#tickedAt_ms === 0 ? 0 : now_ms - this.#tickedAt_ms - this.#options.heartbeat_interval_ms;
    this.#tickedAt_ms = now_ms;
    if (late_ms <= 2 * this.#options.heartbeat_interval_ms) return;
    this.#stalls++;
    this.#stall_ms_worst = Math.max(this.#stall_ms_worst, late_ms);
  }
}

/** Relations without which the rules do not hold, or hold but never give support. */
export function validateLivenessOptions(options: LivenessOptions): void {
  assert(options.heartbeat_interval_ms >= 1, 'heartbeats are at least a millisecond apart');
  assert(options.promise_ms >= 2 * options.heartbeat_interval_ms, 'a promise outlasts one lost heartbeat');
  assert(options.promise_ms <= PROMISE_MS_MAX, 'a promise lasts a minute at most');
  assert(options.promise_used > 0 && options.promise_used <= 0.99, 'part of the promise is kept for clock drift');
  assert(options.loop_age_ms_max >= 100 && options.sync_age_ms_max >= 100, 'a node is not stuck after a blink');
}
