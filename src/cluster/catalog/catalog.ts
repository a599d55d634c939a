/**
 * The catalog: what is the same on every node and that doors look after themselves: schemas, users, groups of PostgreSQL
 * servers. It lies in the metadata group, in sections; every node reads what it has applied from its own memory, and a change is
 * evaluated by the section's handler on the group's leader, in one transaction. The cluster knows no section's meaning.
 *
 * A change is answered when it is durable and every node that is alive has applied it: who hears that a table was made may
 * use it through any node.
 */
import { assert } from '../../base/assert.ts';
import type { Clock } from '../../base/clock.ts';
import type { Transaction } from '../../tablet/operation.ts';
import type { TabletHost } from '../../tablet/tablet-host.ts';
import { METADATA_TABLET } from '../metadata.ts';
import { delay, type MetadataGroup, NotMetadataLeader, OutcomeUnknown } from '../metadata-group.ts';
import type { OnReply } from '../transport-calls.ts';
import { type NodeId, type Router, Service } from '../view.ts';
import { type CatalogReply, type CatalogRequest, decodeReply, decodeRequest, encode } from './catalog-messages.ts';
import { type CatalogRecords, readVersion, scanRecords, TransactionRecords } from './catalog-store.ts';

export type { CatalogRecords } from './catalog-store.ts';

/** A section as this node has applied it. */
export interface CatalogSection {
  /** Goes up by one with every change; 0 before the first. */
  readonly version: number;
  /** A new map after every change; a record that has not changed is the same object as before. */
  readonly records: ReadonlyMap<string, unknown>;
}

export type CatalogHandler = (request: unknown, records: CatalogRecords) => unknown;

export interface Catalog {
  section(name: string): CatalogSection;
  /** Calls `listener` whenever this node has applied a change of the section. Returns what ends that. */
  watch(name: string, listener: () => void): () => void;
  /** Registers the one handler of a section. It throws `CatalogRefusal` to refuse; what it returns is JSON. */
  serve(name: string, handler: CatalogHandler): void;
  /**
   * Has the section's handler carry out `request` (JSON) on the leader of the metadata group. Resolves with the handler's answer
   * when the change is durable and applied on every live node. Rejects with `CatalogRefusal`, `CatalogUnavailable` (both:
   * certainly nothing was changed) or `CatalogUnknown`.
   */
  change(name: string, request: unknown): Promise<unknown>;
  /**
   * Resolves with true when this node has applied all changes of the section that were answered before the call. A node that has been
   * away begins with what it has on disk, and nobody has waited for it. False: no leader could be asked.
   */
  catchUp(name: string): Promise<boolean>;
}

/** The handler has refused the request; `detail` is what it says about that, as JSON. */
export class CatalogRefusal extends Error {
  override readonly name = 'CatalogRefusal';
  readonly detail: unknown;

  constructor(text: string, detail: unknown = null) {
    super(text);
    this.detail = detail;
  }
}

/** Certainly nothing was changed: no leader of the metadata group could be reached in time. */
export class CatalogUnavailable extends Error {
  override readonly name = 'CatalogUnavailable';
}

/** The change may have been made, or may still be. */
export class CatalogUnknown extends Error {
  override readonly name = 'CatalogUnknown';
}

export interface CatalogOptions {
  readonly clock: Clock;
  readonly metadata: MetadataGroup;
  readonly host: () => TabletHost | null;
  readonly self: () => NodeId;
  readonly leader: () => NodeId;
  /** The other nodes that are alive. */
  readonly liveOthers: () => readonly NodeId[];
  readonly isAlive: (node: NodeId) => boolean;
  readonly calls: Pick<Router, 'call' | 'serve'>;
  /** How long a change waits for a leader, and then for the other nodes. */
  readonly patience_ms: number;
}

const RETRY_MS = 20;
const EMPTY: CatalogSection = { version: 0, records: new Map() };

interface Held extends CatalogSection {
  readonly bytes: ReadonlyMap<string, Buffer>;
}

interface Waiter {
  readonly section: string;
  readonly version: number;
  readonly done: () => void;
}

export class ClusterCatalog implements Catalog {
  readonly #options: CatalogOptions;
  readonly #handlers = new Map<string, CatalogHandler>();
  readonly #sections = new Map<string, Held>();
  readonly #watched = new Map<string, Set<() => void>>();
  #waiters: Waiter[] = [];

  constructor(options: CatalogOptions) {
    this.#options = options;
    options.calls.serve(Service.catalog, (_from, bytes, respond) => this.#serveCall(bytes, respond));
  }

  section(name: string): CatalogSection {
    return this.#sections.get(name) ?? this.#load(name) ?? EMPTY;
  }

  watch(name: string, listener: () => void): () => void {
    // From here on changes of the section are looked for.
    this.section(name);
    const listeners = this.#watched.get(name) ?? new Set();
    this.#watched.set(name, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  serve(name: string, handler: CatalogHandler): void {
    assert(!this.#handlers.has(name), 'a section of the catalog has one handler');
    this.#handlers.set(name, handler);
  }

  async change(name: string, request: unknown): Promise<unknown> {
    const { clock, patience_ms } = this.#options;
    const deadline_ms = clock.monotonic_ms() + patience_ms;
    for (;;) {
      const answer = await this.#ask({ type: 'change', section: name, request });
      if (answer.type === 'done') {
        await this.#appliedEverywhere(name, answer.version);
        return answer.reply;
      }
      if (answer.type === 'refused') throw new CatalogRefusal(answer.text, answer.detail);
      if (answer.type === 'unknown') throw new CatalogUnknown(answer.text);
      if (clock.monotonic_ms() > deadline_ms) {
        throw new CatalogUnavailable('no leader of the metadata group could be reached; nothing was changed');
      }
      await delay(clock, RETRY_MS);
    }
  }

  async catchUp(name: string): Promise<boolean> {
    const answer = await this.#ask({ type: 'version', section: name });
    // A leader of an older version does not know the question; without an answer it would be asked for ever.
    if (answer.type === 'refused') return true;
    if (answer.type !== 'done') return false;
    await this.#appliedHere(name, answer.version);
    return true;
  }

  /** The metadata group's replica on this node has applied something. */
  refresh(): void {
    for (const name of new Set([...this.#sections.keys(), ...this.#watched.keys()])) {
      const before = this.#sections.get(name)?.version ?? 0;
      if ((this.#load(name)?.version ?? before) === before) continue;
      for (const listener of this.#watched.get(name) ?? []) listener();
    }
    const waiting = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiting) {
      if (this.section(waiter.section).version >= waiter.version) waiter.done();
      else this.#waiters.push(waiter);
    }
  }

  /** Reads the section anew if its version has changed; records that are the same bytes stay the same objects. */
  #load(name: string): Held | undefined {
    const held = this.#sections.get(name);
    let loaded = held;
    this.#options
      .host()
      ?.get(METADATA_TABLET)
      ?.readLocal((transaction) => {
        const version = readVersion(transaction, name);
        if (held !== undefined && version === held.version) return;
        const records = new Map<string, unknown>();
        const bytes = new Map<string, Buffer>();
        scanRecords(transaction, name, '', (key, value) => {
          const known = held?.bytes.get(key);
          const isSame = known?.equals(value) === true;
          records.set(key, isSame ? held?.records.get(key) : JSON.parse(value.toString('utf8')));
          bytes.set(key, isSame ? known : Buffer.from(value));
        });
        loaded = { version, records, bytes };
        this.#sections.set(name, loaded);
      });
    return loaded;
  }

  #ask(request: CatalogRequest): Promise<CatalogReply> {
    const { leader, self, calls, metadata } = this.#options;
    if (metadata.leading) return this.#carryOut(request);
    const node = leader();
    if (node === 0 || node === self()) return Promise.resolve({ type: 'again' });
    return new Promise((resolve) => {
      const onReply: OnReply = (bytes, sent) => {
        const answer = bytes === null ? null : decodeReply(bytes);
        if (answer !== null) resolve(answer);
        else if (sent) resolve({ type: 'unknown', text: 'the leader was lost before it answered' });
        else resolve({ type: 'again' });
      };
      calls.call(node, Service.catalog, encode(request), onReply);
    });
  }

  #serveCall(bytes: Buffer, respond: (reply: Uint8Array) => void): void {
    const request = decodeRequest(bytes);
    if (request === null)
      respond(encode({ type: 'refused', text: 'the request is not of this version', detail: null }));
    else void this.#carryOut(request).then((answer) => respond(encode(answer)));
  }

  async #carryOut(request: CatalogRequest): Promise<CatalogReply> {
    if (request.type === 'await') {
      // Who asks has a patience of its own.
      await this.#appliedHere(request.section, request.version);
      return { type: 'done', version: request.version, reply: null };
    }
    const { section } = request;
    if (request.type === 'version') {
      return this.#transact((transaction) => ({
        type: 'done',
        version: readVersion(transaction, section),
        reply: null,
      }));
    }
    const handler = this.#handlers.get(section);
    if (handler === undefined) {
      return { type: 'refused', text: `the leader does not know the section ${section}`, detail: null };
    }
    return this.#transact((transaction) => {
      const records = new TransactionRecords(transaction, section);
      const reply = handler(request.request, records) ?? null;
      return { type: 'done', version: records.commit(), reply };
    });
  }

  async #transact(work: (transaction: Transaction) => CatalogReply): Promise<CatalogReply> {
    try {
      return await this.#options.metadata.transact(work);
    } catch (error) {
      if (error instanceof NotMetadataLeader) return { type: 'again' };
      if (error instanceof OutcomeUnknown) return { type: 'unknown', text: error.message };
      if (error instanceof CatalogRefusal) return { type: 'refused', text: error.message, detail: error.detail };
      throw error;
    }
  }

  /** Other nodes are waited for only so long: one that lags has gates of its own for what it does not know yet. */
  async #appliedEverywhere(section: string, version: number): Promise<void> {
    const others = this.#options.liveOthers();
    await Promise.all([
      this.#appliedHere(section, version),
      ...others.map((node) => this.#appliedOn(node, section, version)),
    ]);
  }

  #appliedHere(section: string, version: number): Promise<void> {
    if (this.section(section).version >= version) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.push({ section, version, done: resolve });
    });
  }

  #appliedOn(node: NodeId, section: string, version: number): Promise<void> {
    const { calls, clock, isAlive, patience_ms } = this.#options;
    const request = encode({ type: 'await', section, version });
    return new Promise((resolve) => {
      // A node that dies meanwhile is not waited for longer than it takes to notice.
      const deadline_ms = clock.monotonic_ms() + patience_ms;
      const timer = clock.every(RETRY_MS, () => {
        if (!isAlive(node) || clock.monotonic_ms() > deadline_ms) done();
      });
      const done = (): void => {
        timer.cancel();
        resolve();
      };
      calls.call(node, Service.catalog, request, done);
    });
  }
}
