/**
 * A reply that has its place in the order of a connection and is filled in now or later. A connection keeps them as a
 * linked list, so that taking one off the front costs nothing and nothing is moved.
 */
import { Constant, ReplyForm, type ReplyHolder, type ReplyWriter } from './reply-writer.ts';

/** Who waits for a reply: a connection, a command that is spread over tablets, or another node's request. */
export interface ReplyOwner {
  replyReady(reply: PendingReply): void;
}

export class PendingReply implements ReplyHolder {
  replyForm: ReplyForm = ReplyForm.none;
  replyBuffer: Buffer = Constant.empty;
  replyStart = 0;
  replyEnd = 0;
  /** The reply after this one on the connection. */
  next: PendingReply | undefined = undefined;
  done = false;
  /** CLIENT REPLY OFF or SKIP: takes its place, but sends nothing. */
  silent = false;
  /** What it counts against the connection's bytes in flight. */
  weight = 0;
  readonly owner: ReplyOwner;

  constructor(owner: ReplyOwner) {
    this.owner = owner;
  }

  /** About as many as it sends. */
  get replyBytes(): number {
    return this.replyForm === ReplyForm.bulk ? this.replyEnd - this.replyStart : this.replyBuffer.length;
  }

  /** The reply is in place. */
  finish(): void {
    this.done = true;
    this.owner.replyReady(this);
  }

  finishWith(bytes: Buffer): void {
    this.replyForm = ReplyForm.bytes;
    this.replyBuffer = bytes;
    this.finish();
  }

  /** Moves what `writer` holds here. */
  finishFrom(writer: ReplyWriter): void {
    writer.takeInto(this);
    this.finish();
  }

  finishError(text: string): void {
    this.finishWith(Buffer.from(`-${text}\r\n`, 'latin1'));
  }
}
