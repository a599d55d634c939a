/**
 * A read that is more than one row operation: several partitions (IN), all tablets in the order of tokens (a scan, an index), or one
 * partition in pieces. Its parts are read ahead of each other when one alone does not fill the page, and given out in their order.
 *
 * A page ends at the limit, or at about a megabyte. One that is not the last has rows.
 */
import { SLOT_COUNT } from '../../../cluster/view.ts';
import type { CqlError } from '../errors.ts';
import type { IndexSource, Position, RowPage, RowRead, TokenSource } from '../rows/commands.ts';
import { slotOfKey } from '../rows/layout.ts';
import { PAGE_BYTES_MAX } from '../rows/read.ts';
import { slotOfToken, tokenFromBigInt } from '../types/token.ts';
import { RowOperation, type RowOwner } from './row-operation.ts';
import type { RowServices } from './row-services.ts';

/** Where a page has ended: in which of the reads that the pages are made of, and after which row (null: before its first). */
export interface PagePosition {
  readonly read: number;
  readonly after: Position | null;
}

export interface PagedReadOwner {
  /** `error`, or `rowCount`, `pages` and `next`, are set. Called once. */
  pageDone(read: PagedRead): void;
}

/** Parts under way at once, at most. */
const AHEAD_MAX = 16;

/** One part: a row read of one tablet, or what has come of it. */
class Part implements RowOwner {
  readonly #whole: PagedRead;
  readonly read: RowRead;
  /** Which of the reads that were asked for. */
  readonly index: number;
  readonly slot: number;
  readonly pages: RowPage[] = [];
  rowCount = 0;
  bytes = 0;
  isDone = false;
  /** Where it began, and where it goes on or would. */
  readonly start: Position | null;
  after: Position | null;
  more = false;

  constructor(whole: PagedRead, read: RowRead, index: number, slot: number, after: Position | null) {
    this.#whole = whole;
    this.read = read;
    this.index = index;
    this.slot = slot;
    this.start = after;
    this.after = after;
  }

  rowsDone(operation: RowOperation): void {
    this.#whole.partRead(this, operation);
  }
}

export class PagedRead {
  error: CqlError | null = null;
  rowCount = 0;
  /** The rows of each, one page after the other. */
  readonly pages: RowPage[] = [];
  /** Null after the last page. */
  next: PagePosition | null = null;
  readonly #services: RowServices;
  readonly #reads: readonly RowRead[];
  readonly #limit: number;
  readonly #owner: PagedReadOwner;
  readonly #staleRead: boolean;
  #parts: Part[] = [];
  /** The first part whose rows are not given out, and the first that has not begun. */
  #head = 0;
  #begun = 0;
  #ahead = 1;
  #bytes = 0;
  #isOver = false;
  #isAdvancing = false;

  /**
   * `reads`: in the order in which their rows come. One of tokens or of an index is of all tablets that it touches. `limit`: of rows in
   * this page, at least 1; where reads begin and what limits they have themselves does not matter.
   */
  constructor(
    services: RowServices,
    reads: readonly RowRead[],
    from: PagePosition | null,
    limit: number,
    owner: PagedReadOwner,
    staleRead = false,
  ) {
    this.#services = services;
    this.#reads = reads;
    this.#limit = limit;
    this.#owner = owner;
    this.#staleRead = staleRead;
    const first = from?.read ?? 0;
    for (let i = first; i < reads.length; i += 1) this.#addParts(i, i === first ? (from?.after ?? null) : null);
    // Of several partitions each has a row or two as a rule; of tablets the first may fill the page.
    if (reads.length > 1) this.#ahead = AHEAD_MAX;
  }

  start(): void {
    this.#advance();
  }

  /** The rows of all pages. */
  bytes(): Buffer {
    if (this.pages.length === 1) return (this.pages[0] as RowPage).bytes;
    return Buffer.concat(this.pages.map((page) => page.bytes));
  }

  #addParts(index: number, after: Position | null): void {
    const read = this.#reads[index];
    if (read === undefined) return;
    const { source } = read;
    if (source.kind === 'partition') {
      this.#parts.push(new Part(this, read, index, slotOfKey(source.partition), after));
    } else if (source.kind === 'index' && source.partition !== null) {
      this.#parts.push(new Part(this, read, index, slotOfKey(source.partition), after));
    } else this.#addTablets(read, source, index, after);
  }

  #addTablets(read: RowRead, source: TokenSource | IndexSource, index: number, after: Position | null): void {
    let slot = slotOfToken(tokenFromBigInt(source.first));
    const slotLast = slotOfToken(tokenFromBigInt(source.last));
    if (source.first > source.last) return;
    // A position begins with the slot of its row.
    if (after !== null) slot = Math.max(slot, (after.row.charCodeAt(0) << 8) | after.row.charCodeAt(1));
    let place = after;
    while (slot <= slotLast) {
      const tabletLast = this.#services.slots.tabletOf(slot)?.slotLast ?? SLOT_COUNT - 1;
      const first = later(source.first, firstTokenOf(slot));
      const last = earlier(source.last, firstTokenOf(tabletLast + 1) - 1n);
      this.#parts.push(new Part(this, { ...read, source: { ...source, first, last } }, index, slot, place));
      place = null;
      slot = tabletLast + 1;
    }
  }

  #submit(part: Part): void {
    const limit = this.#limit - this.rowCount - part.rowCount;
    const operation = new RowOperation(
      this.#services,
      { ...part.read, after: part.after, limit },
      part.slot,
      part,
      this.#staleRead,
    );
    operation.submit();
  }

  /** Called by parts. */
  partRead(part: Part, operation: RowOperation): void {
    if (this.#isOver) return;
    const { page, error } = operation;
    if (error !== null || page === null) {
      this.error = error;
      this.#end();
      return;
    }
    this.#take(part, page);
    if (part.isDone) this.#advance();
    // Reads under a lease are answered within `submit`: others get their turn between two pieces.
    else this.#services.clock.endOfTurn(() => this.#submitAgain(part));
  }

  #submitAgain(part: Part): void {
    if (!this.#isOver) this.#submit(part);
  }

  #take(part: Part, page: RowPage): void {
    if (page.rowCount > 0) part.pages.push(page);
    part.rowCount += page.rowCount;
    part.bytes += page.bytes.length;
    if (page.last !== null) part.after = page.last;
    part.more = page.more;
    part.isDone = !page.more || part.rowCount >= this.#limit - this.rowCount || part.bytes >= PAGE_BYTES_MAX;
  }

  /** Gives out what is done and begins what may be begun. Not recursive: parts that are read here are done within `submit`. */
  #advance(): void {
    if (this.#isAdvancing) return;
    this.#isAdvancing = true;
    for (;;) {
      this.#giveOut();
      if (this.#isOver || this.#begun >= this.#parts.length || this.#begun >= this.#head + this.#ahead) break;
      // What was begun did not fill the page: more at once from now on.
      if (this.#head > 0 && this.#head === this.#begun) this.#ahead = Math.min(AHEAD_MAX, 2 * this.#ahead);
      const part = this.#parts[this.#begun] as Part;
      this.#begun += 1;
      this.#submit(part);
    }
    this.#isAdvancing = false;
  }

  /** Moves the rows of parts that are done, in their order, to the page. */
  #giveOut(): void {
    while (!this.#isOver && this.#head < this.#parts.length) {
      const part = this.#parts[this.#head] as Part;
      if (!part.isDone) return;
      if (this.rowCount + part.rowCount > this.#limit) {
        // Read ahead with a larger limit than is left by now. When this node leads the tablet it is done at once.
        this.#readAgain(part);
        continue;
      }
      this.pages.push(...part.pages);
      this.rowCount += part.rowCount;
      this.#bytes += part.bytes;
      const isWhole = !part.more;
      if (isWhole) this.#head += 1;
      if (this.rowCount >= this.#limit || this.#bytes >= PAGE_BYTES_MAX || !isWhole) {
        this.next = this.#nextAfter(part, isWhole);
        this.#end();
      }
    }
    if (!this.#isOver && this.#head === this.#parts.length) this.#end();
  }

  #readAgain(part: Part): void {
    const fresh = new Part(this, part.read, part.index, part.slot, part.start);
    this.#parts[this.#head] = fresh;
    this.#submit(fresh);
  }

  #nextAfter(part: Part, isWhole: boolean): PagePosition | null {
    if (!isWhole) return { read: part.index, after: part.after };
    const following = this.#parts[this.#head];
    if (following === undefined) return null;
    // Within a scan of tablets a row's key says where it is.
    if (following.index === part.index) return { read: part.index, after: part.after };
    return { read: following.index, after: null };
  }

  #end(): void {
    this.#isOver = true;
    this.#owner.pageDone(this);
  }
}

function firstTokenOf(slot: number): bigint {
  return (BigInt(slot) << 50n) - 2n ** 63n;
}

function later(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function earlier(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
