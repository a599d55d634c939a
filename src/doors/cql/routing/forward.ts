/**
 * Row commands that this node sends to a tablet's leader on another node.
 *
 * Request:  version u8 (1) | slot u16 | schema version that it was planned with u48 | command (rows/command-codec.ts)
 * Reply:    ending u8 (row-operation.ts) | `done`: page or result (rows/result-codec.ts); `refused`: code u16, text
 *
 * The leader waits until it has applied that schema version. An attempt that certainly had no effect is made again until the deadline. When
 * the connection breaks after the request has left, a read is made again; a write's outcome is unknown and is reported so.
 */
import type { NodeId } from '../../../cluster/view.ts';
import { Service, SLOT_COUNT } from '../../../cluster/view.ts';
import { CqlError, type ErrorCode } from '../errors.ts';
import { CodecError } from '../rows/byte-codec.ts';
import { decodeCommand, encodeCommand } from '../rows/command-codec.ts';
import type { RowCommand, RowWrite } from '../rows/commands.ts';
import { decodePage, decodeWriteResult, encodePage, encodeWriteResult } from '../rows/result-codec.ts';
import { Ending, type ForwardableOperation, type RowHost } from './row-host.ts';
import { RowOperation, type RowOwner } from './row-operation.ts';

const VERSION = 1;
const HEADER_BYTES = 9;
/** Between looks at whether the schema has been applied. */
const SCHEMA_DELAY_MS = 5;
const GONE = 'unconfigured table: it was changed or dropped meanwhile';

export class Forwarder {
  readonly #services: RowHost;

  constructor(services: RowHost) {
    this.#services = services;
  }

  /** Sends the operation's command to `node` and finishes the operation with what comes back. */
  forward(operation: ForwardableOperation, node: NodeId): void {
    const command = encodeCommand(operation.command);
    const request = Buffer.allocUnsafe(HEADER_BYTES + command.length);
    request[0] = VERSION;
    request.writeUInt16BE(operation.slot, 1);
    request.writeUIntBE(schemaVersionOf(operation.command), 3, 6);
    command.copy(request, HEADER_BYTES);
    this.#services.router.call(node, Service.cqlRows, request, (reply, sent) => {
      if (reply !== null) finishWithReply(operation, reply);
      else if (!sent) operation.again();
      else operation.endUnknown();
    });
  }

  serve(): void {
    this.#services.router.serve(Service.cqlRows, (_from, request, respond) => {
      if (request.length < HEADER_BYTES || request[0] !== VERSION || request.readUInt16BE(1) >= SLOT_COUNT) {
        // A newer node's command: it was not executed.
        respond(encodeRefusal(0, 'this node does not know the command yet'));
        return;
      }
      const { clock, deadline_ms } = this.#services;
      this.#whenApplied(request, respond, clock.monotonic_ms() + deadline_ms);
    });
  }

  #whenApplied(request: Buffer, respond: (reply: Uint8Array) => void, deadline_ms: number): void {
    const { clock, tables } = this.#services;
    if (tables.version >= request.readUIntBE(3, 6)) this.#run(request, respond);
    else if (clock.monotonic_ms() >= deadline_ms) respond(Buffer.from([Ending.notExecuted]));
    else clock.after(SCHEMA_DELAY_MS, () => this.#whenApplied(request, respond, deadline_ms));
  }

  #run(request: Buffer, respond: (reply: Uint8Array) => void): void {
    let command: RowCommand;
    try {
      command = decodeCommand(request.subarray(HEADER_BYTES), this.#services.tables);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      respond(encodeRefusal(0x2200, GONE));
      return;
    }
    const owner = new ForwardedOwner(respond);
    new RowOperation(this.#services, command, request.readUInt16BE(1), owner, false, true).submit();
  }
}

/** The latest of the versions in which the command's tables were changed last. */
function schemaVersionOf(command: RowCommand): number {
  switch (command.kind) {
    case 'read':
      return command.table.version;
    case 'write':
      return versionOf(command);
    case 'batch':
      return Math.max(0, ...command.parts.map(({ write }) => versionOf(write)));
    case 'part':
      return versionOf(command.write);
    default:
      return 0;
  }
}

function versionOf({ mutations, conditions }: RowWrite): number {
  let version = conditions?.table.version ?? 0;
  for (const { table } of mutations) version = Math.max(version, table.version);
  return version;
}

function finishWithReply(operation: ForwardableOperation, reply: Buffer): void {
  const ending = reply[0];
  const rest = reply.subarray(1);
  if (ending === Ending.done) {
    if (operation.command.kind === 'read') operation.page = decodePage(rest);
    else operation.result = decodeWriteResult(rest);
    operation.finish(Ending.done);
  } else if (ending === Ending.refused) {
    operation.error = new CqlError(rest.readUInt16BE(0) as ErrorCode, rest.toString('utf8', 2));
    operation.finish(Ending.refused);
  } else if (ending === Ending.notExecuted) operation.again();
  else if (ending === Ending.overloaded || ending === Ending.unavailable) operation.end(ending);
  else operation.endUnknown();
}

class ForwardedOwner implements RowOwner {
  readonly #respond: (reply: Uint8Array) => void;

  constructor(respond: (reply: Uint8Array) => void) {
    this.#respond = respond;
  }

  rowsDone(operation: RowOperation): void {
    const { ending, page, result, error } = operation;
    if (ending === Ending.refused && error !== null) this.#respond(encodeRefusal(error.code, error.message));
    else if (ending !== Ending.done) this.#respond(Buffer.from([ending]));
    else if (page !== null) this.#respond(withEnding(encodePage(page)));
    else if (result !== null) this.#respond(withEnding(encodeWriteResult(result)));
  }
}

function withEnding(bytes: Buffer): Buffer {
  const reply = Buffer.allocUnsafe(1 + bytes.length);
  reply[0] = Ending.done;
  bytes.copy(reply, 1);
  return reply;
}

function encodeRefusal(code: number, text: string): Buffer {
  const reply = Buffer.from(`\0\0\0${text}`, 'utf8');
  reply[0] = Ending.refused;
  reply.writeUInt16BE(code, 1);
  return reply;
}
