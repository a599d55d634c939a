/** The server's side of SCRAM-SHA-256 (RFC 5802, RFC 7677) without channel binding, as PostgreSQL's clients speak it. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { ScramVerifier } from '../../../cluster/access/scram.ts';

const NONCE_BYTES = 18;
const KEY_BYTES = 32;

export class ScramExchange {
  readonly #verifier: ScramVerifier;
  #header = '';
  #nonce = '';
  /** client-first-message-bare and server-first-message, with a comma. */
  #spoken = '';

  constructor(verifier: ScramVerifier) {
    this.#verifier = verifier;
  }

  /** The client's first message. Null when it is none. The user's name in it is ignored, as PostgreSQL does. */
  begin(first: string): string | null {
    const match = /^([ny],(?:a=[^,]*)?,)((?:m=[^,]*,)?n=[^,]*,r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?)$/.exec(first);
    if (match === null || match[2]?.startsWith('m=')) return null;
    this.#header = match[1] as string;
    this.#nonce = `${match[3]}${randomBytes(NONCE_BYTES).toString('base64')}`;
    const { salt, iterations } = this.#verifier;
    const answer = `r=${this.#nonce},s=${salt},i=${iterations}`;
    this.#spoken = `${match[2]},${answer}`;
    return answer;
  }

  /** The client's last message. Null when it does not prove the password; else what proves the verifier to the client. */
  finish(last: string): string | null {
    const match = /^(c=([A-Za-z0-9+/=]+),r=([^,]+)(?:,[^p].*)?),p=([A-Za-z0-9+/=]+)$/.exec(last);
    if (match === null) return null;
    const [, unproven, binding, nonce, proofText] = match as unknown as [string, string, string, string, string];
    if (Buffer.from(binding, 'base64').toString() !== this.#header || nonce !== this.#nonce) return null;
    const proof = Buffer.from(proofText, 'base64');
    if (proof.length !== KEY_BYTES) return null;
    const exchange = `${this.#spoken},${unproven}`;
    const storedKey = Buffer.from(this.#verifier.storedKey, 'base64');
    const clientKey = createHmac('sha256', storedKey).update(exchange).digest();
    for (let i = 0; i < KEY_BYTES; i += 1) clientKey[i] = (clientKey[i] as number) ^ (proof[i] as number);
    if (!timingSafeEqual(createHash('sha256').update(clientKey).digest(), storedKey)) return null;
    const serverKey = Buffer.from(this.#verifier.serverKey, 'base64');
    return `v=${createHmac('sha256', serverKey).update(exchange).digest('base64')}`;
  }
}

/** For names that nobody has: always the same salt for a name, and a key that no password makes. */
export function decoyVerifier(secret: Buffer, user: string, iterations: number): ScramVerifier {
  const salt = createHmac('sha256', secret).update(user).digest().subarray(0, 16).toString('base64');
  const key = randomBytes(KEY_BYTES).toString('base64');
  return { iterations, salt, storedKey: key, serverKey: key };
}
