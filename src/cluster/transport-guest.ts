/**
 * Requests from processes that are no members: a node that wants to join, and the command line. The hello is of kind guest;
 * after it each frame of the caller is a request and each frame back the reply to it, one at a time.
 */
import type { Connection } from '../base/network.ts';
import { FRAME_HEADER_BYTES, FrameBuffer } from './frame-buffer.ts';
import { FrameParser, FrameProblem } from './frame-parser.ts';
import {
  encodeHello,
  HandshakeReader,
  HelloKind,
  NO_CLUSTER,
  PROTOCOL_VERSION_MAX,
  PROTOCOL_VERSION_MIN,
  Verdict,
} from './transport-handshake.ts';
import type { StreamOwner, TransportOptions, TransportWorld } from './transport-types.ts';

const GUEST_CHANNEL = 0;
const GUEST_IDLE_MS = 60_000;

/**
 * A guest call that has no reply. `sent` is false when the request certainly did not reach the other process, which then did
 * not act on it.
 */
export class GuestCallError extends Error {
  override readonly name = 'GuestCallError';
  readonly sent: boolean;
  /** From the other side's refusal, 0 when it was something else. */
  readonly verdict: Verdict;

  constructor(text: string, sent: boolean, verdict: Verdict = Verdict.accepted) {
    super(text);
    this.sent = sent;
    this.verdict = verdict;
  }
}

/** Asks the process at `host`:`port`. Rejects with `GuestCallError`. */
export function guestCall(
  world: TransportWorld,
  options: TransportOptions,
  host: string,
  port: number,
  request: Uint8Array,
  timeout_ms: number,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const connection = world.network.connect(host, port);
    const reader = HandshakeReader.forAnswer();
    let sent = false;
    let settled = false;
    const settle = (): boolean => {
      if (settled) return false;
      settled = true;
      timer.cancel();
      return true;
    };
    const fail = (text: string, verdict: Verdict = Verdict.accepted): void => {
      if (!settle()) return;
      connection.destroy();
      reject(new GuestCallError(`${connection.remote}: ${text}`, sent, verdict));
    };
    const timer = world.clock.after(timeout_ms, () => fail(`no reply within ${timeout_ms} ms`));
    const parser = new FrameParser(options.guest_bytes_max, (_channel, payload) => {
      if (settle()) {
        connection.end();
        resolve(Buffer.from(payload));
      }
      return false;
    });
    if (request.length > options.guest_bytes_max) {
      fail('the request is too long');
      return;
    }
    connection.onConnect = () => {
      connection.write(
        encodeHello({
          versionMin: PROTOCOL_VERSION_MIN,
          versionMax: PROTOCOL_VERSION_MAX,
          kind: HelloKind.guest,
          clusterId: NO_CLUSTER,
          from: 0,
          epoch: 0,
          process: 0,
          to: 0,
          extra: Buffer.alloc(0),
        }),
      );
    };
    connection.onClose = (error) => fail(error === null ? 'the connection was closed' : error.message);
    connection.onData = (chunk) => {
      if (sent) {
        if (parser.push(chunk) !== FrameProblem.none) fail('the reply is too long');
        return;
      }
      const state = reader.push(chunk);
      if (state === 'partial') return;
      const answer = state === 'whole' ? reader.answer() : null;
      if (answer === null || reader.rest.length > 0) fail('the other side does not speak the peer protocol');
      else if (answer.verdict !== Verdict.accepted) fail(`refused: ${answer.reason}`, answer.verdict);
      else {
        sent = true;
        connection.write(frameOf(request));
      }
    };
  });
}

/** Serves a guest whose hello was accepted. `onClosed` is called once. */
export function serveGuest(connection: Connection, owner: StreamOwner, onClosed: () => void): void {
  const { clock, logger } = owner.world;
  let idle = clock.after(GUEST_IDLE_MS, () => connection.destroy());
  let closed = false;
  const drop = (problem: string): void => {
    logger.warn({ remote: connection.remote, problem }, 'peer: guest dropped');
    connection.destroy();
  };
  const check = (problem: FrameProblem): void => {
    if (problem !== FrameProblem.none) drop('a request longer than the limit');
  };
  const parser = new FrameParser(owner.options.guest_bytes_max, (_channel, request) => {
    const handler = owner.guestHandler();
    if (handler === null) {
      connection.destroy();
      return false;
    }
    // One request at a time: the parser stops until the reply.
    let replied = false;
    let isInside = true;
    handler(request, (reply) => {
      if (replied || closed) return;
      replied = true;
      if (reply.length > owner.options.guest_bytes_max) {
        drop('the reply is longer than the limit');
        return;
      }
      connection.write(frameOf(reply));
      if (isInside) return;
      connection.resume();
      check(parser.resume());
    });
    isInside = false;
    if (!replied) connection.pause();
    return replied;
  });
  connection.onClose = () => {
    closed = true;
    idle.cancel();
    parser.close();
    onClosed();
  };
  connection.onData = (chunk) => {
    idle.cancel();
    idle = clock.after(GUEST_IDLE_MS, () => connection.destroy());
    check(parser.push(chunk));
  };
}

function frameOf(payload: Uint8Array): Buffer {
  const frame = new FrameBuffer(FRAME_HEADER_BYTES + payload.length);
  frame.frame(GUEST_CHANNEL, payload);
  return frame.bytes.subarray(0, frame.length);
}
