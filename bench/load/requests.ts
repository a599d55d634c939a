/**
 * The bytes of a batch of requests, made once and patched with new keys, so that the load client spends its time on
 * sockets and not on text.
 */
import { KEY_BYTES, keyText, writeDigits } from './keys.ts';

/** `fill` writes every key once, in order. */
export type Operation = 'set' | 'get' | 'incr' | 'fill';

export interface RequestShape {
  readonly operation: Operation;
  readonly valueBytes: number;
  /** Add `WAIT waitReplicas waitTimeout_ms` behind the batch; 0: no WAIT. */
  readonly waitReplicas: number;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Long enough never to matter; not 0, which would hide a replica that has gone. */
const WAIT_TIMEOUT_MS = 10_000;

export class RequestBatch {
  readonly bytes: Buffer;
  readonly operations: number;
  /** Replies that the batch is answered with. */
  readonly replies: number;
  readonly #keyEnds: readonly number[];
  readonly #patched: boolean;

  constructor(shape: RequestShape, operations: number, hotKey: string) {
    const command = requestText(shape, shape.operation === 'incr' ? hotKey : keyText(0));
    const wait = shape.waitReplicas > 0 ? commandText('WAIT', `${shape.waitReplicas}`, `${WAIT_TIMEOUT_MS}`) : '';
    this.bytes = Buffer.from(command.repeat(operations) + wait, 'latin1');
    this.operations = operations;
    this.replies = operations + (wait === '' ? 0 : 1);
    this.#patched = shape.operation !== 'incr';
    const keyEnd = command.indexOf(keyText(0)) + KEY_BYTES;
    this.#keyEnds = Array.from({ length: operations }, (_, index) => index * command.length + keyEnd);
  }

  setKey(index: number, key: number): void {
    if (this.#patched) writeDigits(this.bytes, this.#keyEnds[index] ?? 0, key);
  }
}

function requestText(shape: RequestShape, key: string): string {
  switch (shape.operation) {
    case 'set':
    case 'fill':
      return commandText('SET', key, valueText(shape.valueBytes));
    case 'get':
      return commandText('GET', key);
    case 'incr':
      return commandText('INCR', key);
  }
}

/** Text that does not compress, since a snapshot of Redis compresses values that do. Equal for every key. */
export function valueText(length: number): string {
  let state = 1;
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return ALPHABET[(state >> 16) % ALPHABET.length];
  }).join('');
}

export function commandText(...args: readonly string[]): string {
  return `*${args.length}\r\n${args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join('')}`;
}
