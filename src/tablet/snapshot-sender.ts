/**
 * Sends the content of tablets to replicas that are too far behind for the log. The content is read in chunks while the
 * tablet goes on changing: what a chunk shows may be newer than the index that the snapshot names, and replaying the log
 * from that index over it gives the right state, because log entries say what keys become, not how they change. So nothing
 * is held back or pinned meanwhile, except the log from the snapshot's index on (`lowestIndex`).
 */
import type { Logger } from '../base/log.ts';
import type { Message } from '../raft/types.ts';
import { DamagedError } from '../storage/errors.ts';
import { SnapshotReader } from '../storage/snapshot.ts';
import type { PeerLink, SnapshotStream } from './peer-link.ts';
import { RaftFrameWriter } from './raft-frame.ts';
import { nodeOf } from './replica-id.ts';
import type { Tablet } from './tablet.ts';

/** Snapshots on their way from this node at the same time; more wait, because they share one disk and one network. */
const CONCURRENT_MAX = 2;

interface Transfer {
  readonly tablet: Tablet;
  readonly message: Message;
  readonly index: number;
  stream: SnapshotStream | null;
}

export class SnapshotSender {
  readonly #peers: PeerLink;
  readonly #log: Logger;
  readonly #report: (tablet: Tablet, replica: number, complete: boolean) => void;
  readonly #damaged: (tablet: Tablet, error: DamagedError) => void;
  #running: Transfer[] = [];
  #queue: Transfer[] = [];

  constructor(
    peers: PeerLink,
    logger: Logger,
    report: (tablet: Tablet, replica: number, complete: boolean) => void,
    damaged: (tablet: Tablet, error: DamagedError) => void,
  ) {
    this.#damaged = damaged;
    this.#peers = peers;
    this.#log = logger;
    this.#report = report;
  }

  /** Takes a snapshot message from Raft. Reports once, when the other side has installed the content or it failed. */
  start(tablet: Tablet, message: Message): void {
    if (message.snapshot === null) return;
    const known = (transfer: Transfer): boolean => transfer.tablet === tablet && transfer.message.to === message.to;
    if (this.#running.some(known) || this.#queue.some(known)) return;
    this.#queue.push({ tablet, message, index: message.snapshot.index, stream: null });
    this.#next();
  }

  /** The log of this tablet must be kept after this index. */
  lowestIndex(tablet: number): number {
    let lowest = Number.MAX_SAFE_INTEGER;
    for (const transfer of [...this.#running, ...this.#queue]) {
      if (transfer.tablet.id === tablet) lowest = Math.min(lowest, transfer.index);
    }
    return lowest;
  }

  abortAll(): void {
    this.#queue = [];
    for (const transfer of this.#running) transfer.stream?.abort();
  }

  #next(): void {
    while (this.#running.length < CONCURRENT_MAX) {
      const transfer = this.#queue.shift();
      if (transfer === undefined) return;
      this.#run(transfer);
    }
  }

  #run(transfer: Transfer): void {
    const { tablet, message } = transfer;
    const header = new RaftFrameWriter();
    header.add(tablet.id, message);
    const ranges = tablet.ranges(tablet.overlay);
    const stream = ranges === null ? null : this.#peers.openSnapshot(nodeOf(message.to), header.bytes());
    if (ranges === null || stream === null) {
      this.#report(tablet, message.to, false);
      return;
    }
    this.#log.info({ tablet: tablet.id, to: nodeOf(message.to), index: transfer.index }, 'sending a snapshot');
    transfer.stream = stream;
    this.#running.push(transfer);
    const reader = new SnapshotReader(tablet.overlay, ranges);
    stream.onClosed = (complete) => {
      this.#running = this.#running.filter((other) => other !== transfer);
      this.#report(tablet, message.to, complete);
      this.#next();
    };
    const pump = (): void => {
      if (reader.done) {
        stream.end();
        return;
      }
      let chunk: Buffer;
      try {
        chunk = reader.next();
      } catch (error) {
        if (!(error instanceof DamagedError)) throw error;
        this.#damaged(tablet, error);
        stream.abort();
        return;
      }
      stream.write(chunk, pump);
    };
    pump();
  }
}
