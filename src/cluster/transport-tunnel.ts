/**
 * Tunnels: streams of bytes between two members, each on a connection of its own, for protocols that are not ours (PostgreSQL's
 * replication and its clients). After the hello (kind tunnel, the header says who is meant) nothing is framed: what one side writes the
 * other one reads, `pause` on one side stops the other, and either side's end is the end of both.
 *
 * Both ends are `Connection`s, so that whoever uses a tunnel cannot tell it from a connection. Fault injection and the end of a
 * membership cut them as they cut bulk streams.
 */
import type { Clock, Timer } from '../base/clock.ts';
import type { Connection } from '../base/network.ts';
import { HandshakeReader, Verdict } from './transport-handshake.ts';
import type { StreamOwner } from './transport-types.ts';
import type { NodeId } from './view.ts';

const nothing = (): void => undefined;

/** What both ends have in common: everything is the connection's own, but for who hears of its end. */
abstract class Tunnel implements Connection {
  readonly node: NodeId;
  onConnect: () => void = nothing;
  onData: (chunk: Buffer) => void = nothing;
  onDrain: () => void = nothing;
  onClose: (error: Error | null) => void = nothing;
  protected readonly connection: Connection;
  readonly #forget: () => void;
  #closed = false;

  constructor(node: NodeId, connection: Connection, forget: () => void) {
    this.node = node;
    this.connection = connection;
    this.#forget = forget;
    connection.onDrain = () => this.onDrain();
    connection.onClose = (error) => this.closed(error);
  }

  get bytesQueued(): number {
    return this.connection.bytesQueued;
  }

  get remote(): string {
    return this.connection.remote;
  }

  write(bytes: Uint8Array): boolean {
    return this.connection.write(bytes);
  }

  pause(): void {
    this.connection.pause();
  }

  resume(): void {
    this.connection.resume();
  }

  end(): void {
    this.connection.end();
  }

  destroy(error?: Error): void {
    this.connection.destroy(error);
  }

  /** From the transport: the nodes must not, or can not, talk to each other any more. */
  cut(reason: string): void {
    const error = new Error(`the tunnel to node ${this.node} was cut: ${reason}`);
    this.connection.destroy(error);
    this.closed(error);
  }

  protected closed(error: Error | null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#forget();
    this.onClose(error);
  }

  protected get isClosed(): boolean {
    return this.#closed;
  }
}

/** The end of who accepted it: open from the start. */
export class AcceptedTunnel extends Tunnel {
  constructor(node: NodeId, connection: Connection, forget: () => void) {
    super(node, connection, forget);
    connection.onData = (chunk) => this.onData(chunk);
  }
}

/** The end of who dialled it: open when the other side has accepted. What is written before that waits. */
export class DialledTunnel extends Tunnel {
  readonly #timeout: Timer;
  #isOpen = false;
  /** In order, before it is open; whoever writes more than a little should wait for `onConnect`. */
  #early: Uint8Array[] = [];
  #ended = false;

  constructor(node: NodeId, connection: Connection, hello: Buffer, owner: StreamOwner, forget: () => void) {
    super(node, connection, forget);
    const { connect_timeout_ms } = owner.options;
    this.#timeout = owner.world.clock.after(connect_timeout_ms, () =>
      this.#fail(`no answer within ${connect_timeout_ms} ms`),
    );
    const reader = HandshakeReader.forAnswer();
    connection.onConnect = () => connection.write(hello);
    connection.onData = (chunk) => {
      if (this.#isOpen) this.onData(chunk);
      else this.#answered(reader, chunk);
    };
  }

  override write(bytes: Uint8Array): boolean {
    if (this.#isOpen) return super.write(bytes);
    this.#early.push(bytes);
    return false;
  }

  override get bytesQueued(): number {
    let early = 0;
    for (const bytes of this.#early) early += bytes.length;
    return super.bytesQueued + early;
  }

  override end(): void {
    if (this.#isOpen) super.end();
    else this.#ended = true;
  }

  protected override closed(error: Error | null): void {
    this.#timeout.cancel();
    this.#early = [];
    super.closed(error ?? (this.#isOpen ? null : new Error(`node ${this.node} closed the connection`)));
  }

  #answered(reader: HandshakeReader, chunk: Buffer): void {
    const state = reader.push(chunk);
    if (state === 'partial') return;
    const answer = state === 'whole' ? reader.answer() : null;
    if (answer === null || answer.verdict !== Verdict.accepted) {
      this.#fail(answer?.reason ?? 'the other side does not speak the peer protocol');
      return;
    }
    this.#timeout.cancel();
    this.#isOpen = true;
    this.onConnect();
    const early = this.#early;
    this.#early = [];
    let isThrough = true;
    for (const bytes of early) isThrough = super.write(bytes);
    if (early.length > 0 && isThrough) this.onDrain();
    if (this.#ended) super.end();
    if (reader.rest.length > 0 && !this.isClosed) this.onData(reader.rest);
  }

  #fail(problem: string): void {
    const error = new Error(`no tunnel to node ${this.node}: ${problem}`);
    this.connection.destroy(error);
    this.closed(error);
  }
}

/** One that was refused before it began. */
export function closedConnection(clock: Clock, error: Error): Connection {
  const connection: Connection = {
    onConnect: nothing,
    onData: nothing,
    onDrain: nothing,
    onClose: nothing,
    bytesQueued: 0,
    remote: '',
    write: () => true,
    pause: nothing,
    resume: nothing,
    end: nothing,
    destroy: nothing,
  };
  clock.endOfTurn(() => connection.onClose(error));
  return connection;
}
