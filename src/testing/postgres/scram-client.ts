/** The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding. One exchange. */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';

const NONCE_BYTES = 18;
const KEY_BYTES = 32;
/** No channel binding. */
const HEADER = 'n,,';

export class ScramClient {
  readonly #password: string;
  readonly #bare = `n=,r=${randomBytes(NONCE_BYTES).toString('base64')}`;
  #serverSignature = '';

  constructor(password: string) {
    this.#password = password;
  }

  /** The first message. PostgreSQL takes the user's name from the startup message. */
  first(): string {
    return HEADER + this.#bare;
  }

  /** The last message, which proves that the password is known. Throws when the server's is no message of SCRAM. */
  last(serverFirst: string): string {
    const match = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(serverFirst);
    if (match === null) throw new Error('the server does not speak SCRAM');
    const [, nonce, salt, iterations] = match as unknown as [string, string, string, string];
    const salted = pbkdf2Sync(this.#password, Buffer.from(salt, 'base64'), Number(iterations), KEY_BYTES, 'sha256');
    const unproven = `c=${Buffer.from(HEADER).toString('base64')},r=${nonce}`;
    const exchange = `${this.#bare},${serverFirst},${unproven}`;
    const clientKey = hmac(salted, 'Client Key');
    const signature = hmac(createHash('sha256').update(clientKey).digest(), exchange);
    const proof = clientKey.map((byte, index) => byte ^ (signature[index] as number));
    this.#serverSignature = hmac(hmac(salted, 'Server Key'), exchange).toString('base64');
    return `${unproven},p=${Buffer.from(proof).toString('base64')}`;
  }

  /** Whether the server has proved that it has a verifier of the password. */
  isServer(serverFinal: string): boolean {
    return serverFinal === `v=${this.#serverSignature}`;
  }
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
