/**
 * Requests and replies between members, over one channel of the transport.
 *
 * Frame: kind u8 | call id u32 | service u16 (in requests) | payload. Integers are little-endian.
 *
 * A call ends with its reply or when the peer goes down: the transport takes both directions down together, so a reply that
 * could not be sent, or was lost, is always followed by `peerDown` on the caller's side. That is why calls need no timers. The
 * caller's own deadline is the caller's business.
 */
import { assert } from '../base/assert.ts';
import type { Logger } from '../base/log.ts';
import type { Transport } from './transport.ts';
import { Channel } from './transport-types.ts';
import type { NodeId } from './view.ts';

const CallKind = { request: 1, reply: 2, noService: 3, lost: 4 } as const;
const REQUEST_HEADER_BYTES = 7;
const REPLY_HEADER_BYTES = 5;
/** A reply of this size leaves even when the peer's queue is full. */
const SMALL_REPLY_BYTES = 4 * 1024;

export type OnReply = (reply: Buffer | null, sent: boolean) => void;
export type ServiceHandler = (from: NodeId, request: Buffer, respond: (reply: Uint8Array) => void) => void;

export interface PeerCallsOptions {
  /** Calls that wait for one peer's replies; further ones fail at once. Also the most that one peer may have here. */
  readonly outstanding_max: number;
}

export const defaultPeerCallsOptions: PeerCallsOptions = { outstanding_max: 16_384 };

/** One stretch of being connected to a peer; what belongs to an earlier one is void. */
class CallSession {
  readonly pending = new Map<number, OnReply>();
  isOpen = true;
  /** Requests of the peer that have no reply yet. */
  serving = 0;
}

export interface PeerCallsStats {
  readonly outstanding: number;
  readonly serving: number;
  readonly calls: number;
  readonly failed: number;
}

/** The owner of the transport passes frames of `Channel.calls` to `frame`, and `onPeerUp` and `onPeerDown` on. */
export class PeerCalls {
  readonly #transport: Pick<Transport, 'begin' | 'end' | 'sendUrgent' | 'queued_bytes' | 'connected'>;
  readonly #logger: Logger;
  readonly #options: PeerCallsOptions;
  readonly #services = new Map<number, ServiceHandler>();
  readonly #sessions = new Map<NodeId, CallSession>();
  #lastId = 0;
  #calls = 0;
  #failed = 0;

  constructor(
    transport: Pick<Transport, 'begin' | 'end' | 'sendUrgent' | 'queued_bytes' | 'connected'>,
    logger: Logger,
    options: Partial<PeerCallsOptions> = {},
  ) {
    this.#transport = transport;
    this.#logger = logger;
    this.#options = { ...defaultPeerCallsOptions, ...options };
  }

  /** Registers the one handler of a service. It calls `respond` once, at any time; later calls are ignored. */
  serve(service: number, handler: ServiceHandler): void {
    assert(!this.#services.has(service), 'a service has one handler');
    this.#services.set(service, handler);
  }

  /**
   * Sends a request. `onReply` is called once, maybe before this returns: with the reply (which may be kept, see
   * `TransportCallbacks.onFrame`), or with null and `sent`: false when the peer certainly did not act on the request, true when
   * it may have.
   */
  call(node: NodeId, service: number, request: Uint8Array, onReply: OnReply): void {
    this.#calls++;
    const session = this.#sessions.get(node);
    if (session === undefined || session.pending.size >= this.#options.outstanding_max) {
      this.#failed++;
      onReply(null, false);
      return;
    }
    const out = this.#transport.begin(node, Channel.calls);
    if (out === null) {
      this.#failed++;
      onReply(null, false);
      return;
    }
    const id = this.#nextId(session);
    const at = out.reserve(REQUEST_HEADER_BYTES + request.length);
    const bytes = out.bytes;
    bytes[at] = CallKind.request;
    bytes.writeUInt32LE(id, at + 1);
    bytes.writeUInt16LE(service, at + 5);
    bytes.set(request, at + REQUEST_HEADER_BYTES);
    out.length = at + REQUEST_HEADER_BYTES + request.length;
    this.#transport.end(node);
    session.pending.set(id, onReply);
  }

  /** A frame of `Channel.calls`. False when it is malformed. */
  frame(from: NodeId, payload: Buffer): boolean {
    const session = this.#sessions.get(from);
    if (session === undefined || payload.length < REPLY_HEADER_BYTES) return false;
    const kind = payload[0];
    const id = payload.readUInt32LE(1);
    if (kind === CallKind.request) {
      if (payload.length < REQUEST_HEADER_BYTES) return false;
      this.#request(from, session, id, payload);
      return true;
    }
    if (kind !== CallKind.reply && kind !== CallKind.noService && kind !== CallKind.lost) return false;
    const onReply = session.pending.get(id);
    if (onReply === undefined) return true;
    session.pending.delete(id);
    if (kind === CallKind.reply) {
      onReply(payload.subarray(REPLY_HEADER_BYTES), true);
      return true;
    }
    this.#failed++;
    onReply(null, kind === CallKind.lost);
    return true;
  }

  peerUp(node: NodeId): void {
    this.peerDown(node);
    this.#sessions.set(node, new CallSession());
  }

  peerDown(node: NodeId): void {
    const session = this.#sessions.get(node);
    if (session === undefined) return;
    this.#sessions.delete(node);
    session.isOpen = false;
    this.#failed += session.pending.size;
    for (const onReply of session.pending.values()) onReply(null, true);
    session.pending.clear();
  }

  stats(): PeerCallsStats {
    let outstanding = 0;
    let serving = 0;
    for (const session of this.#sessions.values()) {
      outstanding += session.pending.size;
      serving += session.serving;
    }
    return { outstanding, serving, calls: this.#calls, failed: this.#failed };
  }

  #request(from: NodeId, session: CallSession, id: number, payload: Buffer): void {
    const service = payload.readUInt16LE(5);
    const handler = this.#services.get(service);
    if (handler === undefined || session.serving >= this.#options.outstanding_max) {
      this.#refuse(from, id, CallKind.noService);
      return;
    }
    session.serving++;
    let responded = false;
    handler(from, payload.subarray(REQUEST_HEADER_BYTES), (reply) => {
      if (responded) return;
      responded = true;
      session.serving--;
      if (session.isOpen) this.#reply(from, id, reply);
    });
  }

  #reply(node: NodeId, id: number, reply: Uint8Array): void {
    if (reply.length <= SMALL_REPLY_BYTES) {
      // The work is done and its result takes little more room than the news that it was lost: no limit is worth that.
      const bytes = Buffer.allocUnsafe(REPLY_HEADER_BYTES + reply.length);
      bytes[0] = CallKind.reply;
      bytes.writeUInt32LE(id, 1);
      bytes.set(reply, REPLY_HEADER_BYTES);
      this.#transport.sendUrgent(node, Channel.calls, bytes);
      return;
    }
    const out = this.#transport.begin(node, Channel.calls);
    if (out === null) {
      // The queue is full. The caller must still learn that this call is over.
      this.#logger.warn(
        { peer: node, queued_bytes: this.#transport.queued_bytes(node) },
        'peer: reply dropped, queue full',
      );
      this.#refuse(node, id, CallKind.lost);
      return;
    }
    const at = out.reserve(REPLY_HEADER_BYTES + reply.length);
    const bytes = out.bytes;
    bytes[at] = CallKind.reply;
    bytes.writeUInt32LE(id, at + 1);
    bytes.set(reply, at + REPLY_HEADER_BYTES);
    out.length = at + REPLY_HEADER_BYTES + reply.length;
    this.#transport.end(node);
  }

  #refuse(node: NodeId, id: number, kind: number): void {
    const bytes = Buffer.alloc(REPLY_HEADER_BYTES);
    bytes[0] = kind;
    bytes.writeUInt32LE(id, 1);
    this.#transport.sendUrgent(node, Channel.calls, bytes);
  }

  /** Ids are used again after 2^32 calls, unless the one before still waits. */
  #nextId(session: CallSession): number {
    do this.#lastId = (this.#lastId + 1) >>> 0;
    while (session.pending.has(this.#lastId));
    return this.#lastId;
  }
}
