/**
 * The bytes of a batch of requests, made once and patched with new keys, so that the load client spends its time on
 * sockets and not on text.
 */
import { DIGITS, keyText, writeDigits } from './keys.ts';

/** Stand in a command for the varying parts: a key out of all keys, a member of a collection, its score. */
export const KEY = keyText(0);
export const MEMBER = `mem:${'0'.repeat(DIGITS)}`;
export const SCORE = '9'.repeat(DIGITS);

export interface RequestShape {
  /** The arguments; `KEY` may also be a part of one, such as a hash tag. */
  readonly command: readonly string[];
  /** The first byte of a good reply. */
  readonly expects: '+' | ':' | '$' | '*';
  /** The one key that all requests are for; absent: a random one each time. */
  readonly hotKey?: string;
  /** Members are below this; 1 for commands without them. */
  readonly members: number;
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
  readonly #keyEnds: readonly (readonly number[])[];
  readonly #memberEnds: readonly (readonly number[])[];
  readonly #scoreEnds: readonly (readonly number[])[];

  constructor(shape: RequestShape, operations: number) {
    const command = commandText(...shape.command);
    const wait = shape.waitReplicas > 0 ? commandText('WAIT', `${shape.waitReplicas}`, `${WAIT_TIMEOUT_MS}`) : '';
    this.bytes = Buffer.from(command.repeat(operations) + wait, 'latin1');
    this.operations = operations;
    this.replies = operations + (wait === '' ? 0 : 1);
    const keys = endsOf(command, KEY);
    const members = endsOf(command, MEMBER);
    const scores = endsOf(command, SCORE);
    const shifted = (ends: readonly number[], index: number): number[] =>
      ends.map((end) => end + index * command.length);
    this.#keyEnds = Array.from({ length: operations }, (_, index) => shifted(keys, index));
    this.#memberEnds = Array.from({ length: operations }, (_, index) => shifted(members, index));
    this.#scoreEnds = Array.from({ length: operations }, (_, index) => shifted(scores, index));
  }

  setKey(index: number, key: number): void {
    for (const end of this.#keyEnds[index] ?? []) writeDigits(this.bytes, end, key);
  }

  setMember(index: number, member: number, score: number): void {
    for (const end of this.#memberEnds[index] ?? []) writeDigits(this.bytes, end, member);
    for (const end of this.#scoreEnds[index] ?? []) writeDigits(this.bytes, end, score);
  }
}

/** Where the digits of each occurrence end. */
function endsOf(text: string, marker: string): number[] {
  const ends: number[] = [];
  for (let at = text.indexOf(marker); at >= 0; at = text.indexOf(marker, at + 1)) ends.push(at + marker.length);
  return ends;
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
