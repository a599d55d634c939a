/**
 * Commands that this node sends to a tablet's leader on another node, for clients of the single-endpoint port.
 *
 * Request:  version u8 (1) | flags u8 (1: RESP3) | slot u16 | arguments u32 | per argument: length u32, bytes
 * Reply:    ending u8 (operation.ts) | for `replied`: the reply as RESP
 *
 * An attempt that certainly had no effect is made again until the deadline. When the connection breaks after the
 * request has left, a read is made again; a write's outcome is unknown and is reported so.
 */
import type { NodeId, Router } from '../../cluster/view.ts';
import { Service } from '../../cluster/view.ts';
import type { CommandTable } from './command-table.ts';
import { type CommandForwarder, CommandOperation, Ending, type Executor, WhenElsewhere } from './operation.ts';
import type { PendingReply, ReplyOwner } from './pending-reply.ts';
import { ReplyForm, replyBytes } from './reply-writer.ts';
import { Request } from './request.ts';
import type { DoorStatistics } from './statistics.ts';

const VERSION = 1;
const FLAG_RESP3 = 1;
const HEADER_BYTES = 8;

export class Forwarder implements CommandForwarder {
  readonly #router: Router;
  readonly #table: CommandTable;
  readonly #statistics: DoorStatistics;

  constructor(router: Router, table: CommandTable, statistics: DoorStatistics) {
    this.#router = router;
    this.#table = table;
    this.#statistics = statistics;
  }

  /** Sends the operation's command to `node` and finishes the operation with what comes back. */
  forward(operation: CommandOperation, node: NodeId): void {
    this.#statistics.forwardedOut += 1;
    const request = encodeCommand(operation.request, operation.slot, operation.resp3);
    this.#router.call(node, Service.redisCommand, request, (reply, sent) => {
      if (reply !== null) finishWithReply(operation, reply);
      else if (!sent || !operation.command.isWrite) operation.again();
      else operation.endUnknown();
    });
  }

  /** Answers commands that other nodes forward. `executor` runs them here. */
  serve(executor: Executor): void {
    this.#router.serve(Service.redisCommand, (_from, request, respond) => {
      this.#statistics.forwardedIn += 1;
      const decoded = decodeCommand(request);
      const command = decoded === undefined ? undefined : this.#table.resolve(decoded.request);
      if (decoded === undefined || command?.spec.run === undefined) {
        // A newer node's command: it was not executed, and asking again would not help.
        respond(encodeReply(Ending.replied, Buffer.from('-ERR this node does not know the command yet\r\n')));
        return;
      }
      const owner = new ForwardedOwner(respond);
      new CommandOperation(
        owner,
        executor,
        command,
        decoded.request,
        decoded.slot,
        decoded.resp3,
        false,
        WhenElsewhere.tellOrigin,
      ).submit();
    });
  }
}

function finishWithReply(operation: CommandOperation, reply: Buffer): void {
  const ending = reply[0];
  if (ending === Ending.replied) {
    operation.replyForm = ReplyForm.bytes;
    operation.replyBuffer = reply.subarray(1);
    operation.finish();
  } else if (ending === Ending.notExecuted) operation.again();
  else if (ending === Ending.overloaded) operation.endOverloaded();
  else if (ending === Ending.unavailable) operation.endUnavailable();
  else operation.endUnknown();
}

class ForwardedOwner implements ReplyOwner {
  readonly #respond: (reply: Uint8Array) => void;

  constructor(respond: (reply: Uint8Array) => void) {
    this.#respond = respond;
  }

  replyReady(reply: PendingReply): void {
    const ending = (reply as CommandOperation).ending;
    this.#respond(encodeReply(ending, ending === Ending.replied ? replyBytes(reply) : Buffer.alloc(0)));
  }
}

function encodeReply(ending: Ending, bytes: Buffer): Buffer {
  const encoded = Buffer.allocUnsafe(1 + bytes.length);
  encoded[0] = ending;
  bytes.copy(encoded, 1);
  return encoded;
}

export function encodeCommand(request: Request, slot: number, resp3: boolean): Buffer {
  const count = request.count;
  let size = HEADER_BYTES;
  for (let index = 0; index < count; index += 1) size += 4 + request.length(index);
  const bytes = Buffer.allocUnsafe(size);
  bytes[0] = VERSION;
  bytes[1] = resp3 ? FLAG_RESP3 : 0;
  bytes.writeUInt16BE(slot, 2);
  bytes.writeUInt32BE(count, 4);
  let at = HEADER_BYTES;
  for (let index = 0; index < count; index += 1) {
    const length = request.length(index);
    bytes.writeUInt32BE(length, at);
    request.buffer.copy(bytes, at + 4, request.start(index), request.end(index));
    at += 4 + length;
  }
  return bytes;
}

/** undefined for bytes that are no such request. */
export function decodeCommand(bytes: Buffer): { request: Request; slot: number; resp3: boolean } | undefined {
  if (bytes.length < HEADER_BYTES || bytes[0] !== VERSION) return undefined;
  const count = bytes.readUInt32BE(4);
  const offsets: number[] = [];
  let at = HEADER_BYTES;
  for (let index = 0; index < count; index += 1) {
    if (at + 4 > bytes.length) return undefined;
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) return undefined;
    offsets.push(at + 4, end);
    at = end;
  }
  if (count === 0 || at !== bytes.length) return undefined;
  const flags = bytes[1] as number;
  return { request: new Request(bytes, offsets), slot: bytes.readUInt16BE(2), resp3: (flags & FLAG_RESP3) !== 0 };
}
