/**
 * A server as PostgreSQL behaves. Its log is a list of entries, an LSN the number of entries before it. A commit is acknowledged when k of
 * the listed names have reported it, whoever has these names; a promotion takes the next timeline number that the server knows of; a
 * server that crashed shows what it had not acknowledged.
 */
export interface Entry {
  readonly id: number;
  readonly epoch: number;
}

/** A connection of a standby, as its primary sees it: a name, and what it has reported. */
export interface Replica {
  readonly name: string;
  flushed: number;
}

export interface SimServerOptions {
  /** How the primary reads a name that a standby has. */
  readonly named: (name: string) => string;
  /** A client is told that its entry has been committed. */
  readonly acknowledged: (entry: Entry) => void;
}

export class SimServer {
  is: 'absent' | 'stopped' | 'standby' | 'primary' = 'absent';
  log: Entry[] = [];
  timeline = 1;
  replayed = 0;
  /** What clients can see: the rest waits for standbys. */
  visible = 0;
  follows = '';
  reigns = 0;
  fork = 0;
  rule: { readonly names: readonly string[]; readonly k: number } = { names: [], k: 0 };
  firstRecord = -1;
  /** Of a primary that was shut down in order; null for every other one. */
  lastRecord: { readonly epoch: number; readonly lsn: number } | null = null;
  readonly replicas = new Set<Replica>();
  readonly #options: SimServerOptions;
  readonly #waiting: Entry[] = [];

  constructor(options: SimServerOptions) {
    this.#options = options;
  }

  /** An empty data folder, with or without the files of a new server. */
  empty(is: 'absent' | 'stopped'): void {
    this.log = [];
    this.timeline = 1;
    this.replayed = 0;
    this.is = is;
  }

  /** All of the other's data. */
  copyFrom(source: SimServer): void {
    this.log = [...source.log];
    this.timeline = source.timeline;
    this.replayed = this.log.length;
    this.is = 'stopped';
  }

  startAsStandby(follows: string): void {
    this.is = 'standby';
    this.lastRecord = null;
    this.replayed = this.log.length;
    this.follows = follows;
  }

  cut(): void {
    this.follows = '';
    this.replayed = this.log.length;
  }

  promote(epoch: number): void {
    this.is = 'primary';
    this.timeline++;
    this.fork = this.log.length;
    this.firstRecord = -1;
    this.visible = this.log.length;
    this.#openReign(epoch);
  }

  /** The record of a new reign; the server opens when enough have it. */
  inaugurate(epoch: number): void {
    this.#openReign(epoch);
    this.firstRecord = this.log.length;
  }

  #openReign(epoch: number): void {
    this.log.push({ id: -epoch, epoch });
  }

  /** It writes its last record, and acknowledges nothing any more. */
  shutDown(): void {
    this.lastRecord = { epoch: this.reigns, lsn: this.log.length };
    this.log.push({ id: -this.reigns - 0.5, epoch: this.reigns });
    this.#waiting.length = 0;
  }

  /** Against the rules: it goes on as it was. */
  restartInPlace(reigned: number): void {
    this.is = 'primary';
    this.reigns = reigned;
    this.firstRecord = this.log.length;
    this.visible = this.log.length;
  }

  /** Its processes end, whatever they were doing. */
  stop(): void {
    if (this.is !== 'absent') this.is = 'stopped';
    this.follows = '';
    this.reigns = 0;
    this.firstRecord = -1;
    this.replicas.clear();
    this.#waiting.length = 0;
  }

  /** A client's transaction. */
  commit(id: number): void {
    const entry = { id, epoch: this.reigns };
    this.log.push(entry);
    this.#waiting.push(entry);
    this.acknowledge();
  }

  /** Called when a standby has reported something. */
  acknowledge(): void {
    const names = new Set(this.rule.names.map(this.#options.named));
    while (this.#waiting.length > 0) {
      const entry = this.#waiting[0] as Entry;
      const lsn = this.log.indexOf(entry) + 1;
      if (this.flushedBy(names, lsn) < this.rule.k) return;
      this.#waiting.shift();
      this.visible = lsn;
      this.#options.acknowledged(entry);
    }
  }

  /** How many of these names have reported so much. */
  flushedBy(names: ReadonlySet<string>, lsn: number): number {
    const having = [...this.replicas].filter(({ name, flushed }) => names.has(name) && flushed >= lsn);
    return new Set(having.map(({ name }) => name)).size;
  }
}
