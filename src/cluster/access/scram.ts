/**
 * What is kept of a password: a SCRAM-SHA-256 verifier (RFC 5802, RFC 7677), the same for every door. It checks a password
 * that was sent in clear over TLS (Redis, CQL) and serves the exchange in which none is sent (PostgreSQL). It cannot be turned
 * back into the password.
 */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';

/** Bytes in base64. */
export interface ScramVerifier {
  readonly iterations: number;
  readonly salt: string;
  readonly storedKey: string;
  readonly serverKey: string;
}

/** PostgreSQL's default, and what RFC 7677 asks for at least. About a millisecond of a thread of the pool. */
export const SCRAM_ITERATIONS = 4_096;
const SALT_BYTES = 16;
const KEY_BYTES = 32;

/** `salt`: 16 random bytes unless given. */
export async function makeVerifier(password: string, salt: Buffer = randomBytes(SALT_BYTES)): Promise<ScramVerifier> {
  return verifierOf(await saltedPassword(password, salt, SCRAM_ITERATIONS), salt, SCRAM_ITERATIONS);
}

/** Takes the same time whether the password is right or not. */
export async function isPasswordOf(verifier: ScramVerifier, password: string): Promise<boolean> {
  const salt = Buffer.from(verifier.salt, 'base64');
  const salted = await saltedPassword(password, salt, verifier.iterations);
  const { storedKey } = verifierOf(salted, salt, verifier.iterations);
  return timingSafeEqual(Buffer.from(storedKey, 'base64'), Buffer.from(verifier.storedKey, 'base64'));
}

/** PostgreSQL's text form of a verifier, as in pg_authid. */
export function verifierText(verifier: ScramVerifier): string {
  const { iterations, salt, storedKey, serverKey } = verifier;
  return `SCRAM-SHA-256$${iterations}:${salt}$${storedKey}:${serverKey}`;
}

/** Null when the text is no verifier. */
export function parseVerifier(text: string): ScramVerifier | null {
  const match = /^SCRAM-SHA-256\$(\d{1,7}):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]{44}):([A-Za-z0-9+/=]{44})$/.exec(text);
  if (match === null) return null;
  const [, iterations, salt, storedKey, serverKey] = match as unknown as [string, string, string, string, string];
  return { iterations: Number(iterations), salt, storedKey, serverKey };
}

function verifierOf(salted: Buffer, salt: Buffer, iterations: number): ScramVerifier {
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  return {
    iterations,
    salt: salt.toString('base64'),
    storedKey: createHash('sha256').update(clientKey).digest('base64'),
    serverKey: createHmac('sha256', salted).update('Server Key').digest('base64'),
  };
}

function saltedPassword(password: string, salt: Buffer, iterations: number): Promise<Buffer> {
  // SASLprep (RFC 4013) in the part that matters for what people type: compatibility forms are made equal.
  const prepared = password.normalize('NFKC');
  return new Promise((resolve, reject) => {
    pbkdf2(prepared, salt, iterations, KEY_BYTES, 'sha256', (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
