/**
 * A client from its first byte to the end of its log-in.
 *
 *   start-up packet: (TLS | GSS refused)* -> cancel request -> end
 *                                        \-> start-up -> (SCRAM) -> session
 *
 * A client without TLS may be told anything by anybody in between, so what came in clear together with the wish for TLS ends the
 * connection (CVE-2021-23222).
 */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Timer } from '../../../base/clock.ts';
import { SCRAM_ITERATIONS } from '../../../cluster/access/scram.ts';
import {
  type Failure,
  noUserName,
  passwordFailed,
  protocolViolation,
  replicationRefused,
  settingRefused,
  startupTimeout,
  throttled,
  tlsRequired,
  tooManyClients,
  unsupportedProtocol,
} from '../errors.ts';
import type { PoolKind, PoolMode } from '../pool/kinds.ts';
import { Client, StartupCode } from '../protocol/codes.ts';
import {
  ANSWER_PLAIN,
  ANSWER_TLS,
  AUTHENTICATION_OK,
  AUTHENTICATION_SCRAM,
  backendKeyData,
  errorResponse,
  negotiateVersion,
  parameterStatus,
  READY_IDLE,
  saslContinue,
  saslFinal,
} from '../protocol/messages.ts';
import { ClientSession, type SessionStart } from './client-session.ts';
import type { LoginHost } from './login-host.ts';
import { decoyVerifier, ScramExchange } from './scram.ts';
import { SessionSettings } from './settings.ts';
import { readStartup, type StartupOptions } from './startup-options.ts';
import { Welcome } from './welcome.ts';

const PACKET_BYTES_MAX = 10_000;
const TLS_HANDSHAKE = 0x16;
const MINOR_MAX = 2;
const KEY_BYTES = 4;
/** From 3.2 on. */
const LONG_KEY_BYTES = 32;
const NOTHING = Buffer.alloc(0);
/** Salts of names that nobody has. */
const DECOY_SECRET = randomBytes(32);

export class Login {
  readonly #host: LoginHost;
  readonly #kind: PoolKind;
  #socket: Socket;
  #received: Buffer = NOTHING;
  #state: 'packet' | 'upgrading' | 'scram' | 'proof' | 'starting' | 'done' = 'packet';
  #isSecure = false;
  #options: StartupOptions | null = null;
  #minor = 0;
  #exchange: ScramExchange | null = null;
  #welcome: Welcome | null = null;
  readonly #deadline: Timer;

  constructor(host: LoginHost, kind: PoolKind, socket: Socket) {
    this.#host = host;
    this.#kind = kind;
    this.#socket = socket;
    this.#deadline = host.clock.after(host.limits.startup_ms, () => this.#refuse(startupTimeout()));
    this.#listen();
  }

  destroy(): void {
    this.#welcome?.end();
    this.#socket.destroy();
    this.#done();
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on('data', this.#onData);
    socket.on('error', this.#onEnd);
    socket.on('close', this.#onEnd);
    socket.on('end', this.#onEnd);
    socket.resume();
  }

  #unlisten(): void {
    const socket = this.#socket;
    socket.off('data', this.#onData);
    socket.off('error', this.#onEnd);
    socket.off('close', this.#onEnd);
    socket.off('end', this.#onEnd);
  }

  readonly #onEnd = (): void => this.destroy();

  readonly #onData = (chunk: Buffer): void => {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    if (this.#state === 'packet' && !this.#isSecure && this.#received[0] === TLS_HANDSHAKE) {
      // TLS from the first byte on, as libpq 17 can.
      this.#upgrade(true);
      return;
    }
    this.#takeAll();
  };

  #takeAll(): void {
    while (this.#state === 'packet' || this.#state === 'scram' || this.#state === 'proof') {
      const hasType = this.#state !== 'packet';
      const at = hasType ? 1 : 0;
      const received = this.#received;
      if (received.length < at + 4) return;
      const length = received.readUInt32BE(at);
      if (length < (hasType ? 4 : 8) || length > PACKET_BYTES_MAX) {
        this.#refuse(protocolViolation('invalid length of startup packet'));
        return;
      }
      if (received.length < at + length) return;
      this.#received = received.subarray(at + length);
      if (!hasType) this.#packet(received.subarray(0, length));
      else if (received[0] === Client.password) this.#password(received.subarray(5, 1 + length));
      else this.#refuse(protocolViolation('expected SASL response'));
    }
  }

  #packet(packet: Buffer): void {
    const code = packet.readUInt32BE(4);
    switch (code) {
      case StartupCode.gss:
        this.#socket.write(ANSWER_PLAIN);
        return;
      case StartupCode.tls:
        if (this.#host.secure === null || this.#isSecure) this.#socket.write(ANSWER_PLAIN);
        else if (this.#received.length > 0)
          this.#refuse(protocolViolation('received unencrypted data after SSL request'));
        else this.#upgrade(false);
        return;
      case StartupCode.cancel:
        if (packet.length > 12) this.#host.cancel(packet.readInt32BE(8), Buffer.from(packet.subarray(12)));
        this.#socket.end();
        this.#done();
        return;
      default:
        this.#startup(code >>> 16, code & 0xffff, packet.subarray(8));
    }
  }

  #upgrade(isDirect: boolean): void {
    const { secure } = this.#host;
    if (secure === null) {
      this.destroy();
      return;
    }
    this.#state = 'upgrading';
    this.#unlisten();
    const plain = this.#socket;
    plain.pause();
    if (isDirect) {
      plain.unshift(this.#received);
      this.#received = NOTHING;
    } else plain.write(ANSWER_TLS);
    const onClose = (): void => this.#done();
    plain.once('close', onClose);
    secure(plain, (socket) => {
      plain.off('close', onClose);
      if (this.#state !== 'upgrading') {
        socket.destroy();
        return;
      }
      this.#socket = socket;
      this.#isSecure = true;
      this.#state = 'packet';
      this.#listen();
    });
  }

  #startup(major: number, minor: number, body: Buffer): void {
    if (major !== StartupCode.protocol3) {
      this.#refuse(unsupportedProtocol(major, minor));
      return;
    }
    const options = readStartup(body);
    const failure = this.#objection(options);
    if (options === null || failure !== null) {
      this.#refuse(failure ?? protocolViolation('invalid startup packet layout: expected terminator as last byte'));
      return;
    }
    this.#options = options;
    this.#minor = Math.min(minor, MINOR_MAX);
    if (minor > MINOR_MAX || options.protocolOptions.length > 0) {
      this.#socket.write(negotiateVersion((StartupCode.protocol3 << 16) | this.#minor, options.protocolOptions));
    }
    const { access } = this.#host;
    if (!access.isRequired) {
      this.#begin([AUTHENTICATION_OK]);
      return;
    }
    const role = access.roles.get(options.user);
    const verifier = role?.login === true ? role.passwords.at(-1) : undefined;
    this.#exchange = new ScramExchange(verifier ?? decoyVerifier(DECOY_SECRET, options.user, SCRAM_ITERATIONS));
    this.#state = 'scram';
    this.#socket.write(AUTHENTICATION_SCRAM);
  }

  #objection(options: StartupOptions | null): Failure | null {
    if (options === null) return null;
    if (this.#host.tlsRequired && !this.#isSecure) return tlsRequired();
    if (options.user === '') return noUserName();
    if (options.isReplication) return replicationRefused();
    if (options.settings.has('synchronous_commit')) return settingRefused('synchronous_commit');
    if (!this.#host.access.mayTry(this.#socket.remoteAddress ?? '')) return throttled();
    return null;
  }

  /** A step of SASL. */
  #password(body: Buffer): void {
    const exchange = this.#exchange;
    if (exchange === null) return;
    if (this.#state === 'scram') {
      const nameEnd = body.indexOf(0);
      const mechanism = body.toString('latin1', 0, Math.max(0, nameEnd));
      const first = mechanism === 'SCRAM-SHA-256' ? body.toString('utf8', nameEnd + 5) : '';
      const answer = exchange.begin(first);
      if (answer === null) this.#refuse(protocolViolation('malformed SCRAM message'));
      else {
        this.#state = 'proof';
        this.#socket.write(saslContinue(answer));
      }
      return;
    }
    const answer = exchange.finish(body.toString('utf8'));
    if (answer !== null) {
      this.#begin([saslFinal(answer), AUTHENTICATION_OK]);
      return;
    }
    const user = this.#options?.user ?? '';
    this.#host.statistics.loginsFailed += 1;
    this.#host.access.noteFailure(user, this.#socket.remoteAddress ?? '');
    this.#refuse(passwordFailed(user));
  }

  /** The client is who it says. `words`: what it is told when the session is there. */
  #begin(words: Buffer[]): void {
    const options = this.#options;
    if (options === null) return;
    const { user, database, own } = options;
    if (this.#host.isFull(this.#host.access.isSuperuser(user))) {
      this.#refuse(tooManyClients());
      return;
    }
    this.#state = 'starting';
    const settings = new Map(options.settings);
    // A server of this port may become the primary, or the primary may be read for lack of standbys.
    if (this.#kind === 'read') settings.set('default_transaction_read_only', 'on');
    const known = SessionSettings.of(settings);
    const pool = this.#host.poolOf(this.#kind, database, user);
    this.#welcome = new Welcome(this.#host, pool, known, modeOf(own.get('folkmoot.pool_mode')), (welcomed) => {
      if (Buffer.isBuffer(welcomed)) {
        this.#refuseWith(Buffer.concat([...words, welcomed]));
        return;
      }
      this.#run(words, {
        ...welcomed,
        socket: this.#socket,
        pool,
        processId: this.#host.nextProcessId(),
        key: randomBytes(this.#minor >= 2 ? LONG_KEY_BYTES : KEY_BYTES),
        settings: known,
        causalReads: flagOf(own.get('folkmoot.causal_reads')),
      });
    });
    this.#welcome.begin();
  }

  #run(words: Buffer[], start: SessionStart): void {
    const session = new ClientSession(this.#host, start);
    for (const [name, value] of start.reported.values) words.push(parameterStatus(name, value));
    words.push(backendKeyData(start.processId, start.key), READY_IDLE);
    this.#socket.write(Buffer.concat(words));
    this.#unlisten();
    this.#done();
    this.#host.begun(session);
    session.run(this.#received);
  }

  #refuse(failure: Failure): void {
    this.#refuseWith(errorResponse(failure));
  }

  #refuseWith(bytes: Buffer): void {
    const socket = this.#socket;
    this.#welcome?.end();
    this.#unlisten();
    socket.on('error', () => undefined);
    socket.end(bytes, () => socket.destroy());
    socket.resume();
    this.#done();
  }

  #done(): void {
    if (this.#state === 'done') return;
    this.#state = 'done';
    this.#deadline.cancel();
    this.#host.loginEnded(this);
  }
}

function modeOf(text: string | undefined): PoolMode | null {
  return text === 'session' || text === 'transaction' ? text : null;
}

function flagOf(text: string | undefined): boolean | null {
  return text === undefined ? null : /^(on|true|yes|1)$/i.test(text);
}
