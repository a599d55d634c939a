/**
 * Commands of the single-endpoint port that touch several tablets: DEL, UNLINK, EXISTS, TOUCH and MGET split by tablet,
 * and steps that visit every tablet (KEYS, DBSIZE, FLUSHALL ...). Each part is atomic; the whole is not.
 */
import type { Command } from './command-table.ts';
import { CommandOperation, WhenElsewhere } from './operation.ts';
import type { PendingReply, ReplyOwner } from './pending-reply.ts';
import { ReplyForm, type ReplyHolder, ReplyWriter, replyBytes } from './reply-writer.ts';
import { Request } from './request.ts';
import { arrayElements, errorText, integerValue } from './resp-reader.ts';
import type { ClientSession, DoorServices } from './session-view.ts';
import { slotOf } from './slot.ts';

/** For merged replies: the executor's writer is busy while parts run. */
const merging = new ReplyWriter();

/** Splits a command whose keys are all its arguments over tablets, and merges the replies. */
export function startSplit(session: ClientSession, command: Command, request: Request, reply: PendingReply): void {
  const parts = new Map<number, { slot: number; indexes: number[] }>();
  const { topology } = session.door;
  for (let index = 1; index < request.count; index += 1) {
    const slot = slotOf(request.buffer, request.start(index), request.end(index));
    // While the view has no tablet for a slot, slots are kept apart.
    const tablet = topology.tabletIndexOf(slot);
    const place = tablet < 0 ? -1 - slot : tablet;
    const part = parts.get(place);
    if (part === undefined) parts.set(place, { slot, indexes: [index] });
    else part.indexes.push(index);
  }
  const list = [...parts.values()];
  const name = request.bytes(0);
  const merge =
    command.spec.split === 'sum'
      ? (replies: readonly ReplyHolder[]) => mergeSum(replies, reply)
      : (replies: readonly ReplyHolder[]) =>
          mergeArray(
            replies,
            list.map((part) => part.indexes),
            request.count - 1,
            session.resp3,
            reply,
          );
  const gathering = new Gathering(list.length, merge);
  for (const [place, part] of list.entries()) {
    const keys = part.indexes.map((index) => request.bytes(index));
    const stale = session.readOnly && command.isReadOnly;
    const owner = gathering.owner(place);
    new CommandOperation(
      owner,
      session.door.executor,
      command,
      Request.of(name, ...keys),
      part.slot,
      session.resp3,
      stale,
      WhenElsewhere.forward,
    ).submit();
  }
}

function mergeSum(replies: readonly ReplyHolder[], reply: PendingReply): void {
  let sum = 0;
  for (const part of replies) {
    const value = part.replyForm === ReplyForm.integer ? part.replyStart : integerValue(part.replyBuffer);
    if (value === undefined) {
      reply.finishWith(replyBytes(part));
      return;
    }
    sum += value;
  }
  reply.replyForm = ReplyForm.integer;
  reply.replyStart = sum;
  reply.finish();
}

function mergeArray(
  replies: readonly ReplyHolder[],
  places: readonly (readonly number[])[],
  count: number,
  resp3: boolean,
  reply: PendingReply,
): void {
  const merged = new Array<Buffer>(count);
  for (const [part, holder] of replies.entries()) {
    const bytes = replyBytes(holder);
    const elements = arrayElements(bytes);
    if (elements === undefined) {
      reply.finishWith(bytes);
      return;
    }
    for (const [at, index] of (places[part] as readonly number[]).entries()) merged[index - 1] = elements[at] as Buffer;
  }
  merging.begin(resp3);
  merging.array(count);
  for (const element of merged) merging.append(element);
  reply.finishFrom(merging);
}

/** Waits for the replies of all parts. */
class Gathering {
  readonly #replies: ReplyHolder[];
  readonly #done: (replies: readonly ReplyHolder[]) => void;
  #missing: number;

  constructor(count: number, done: (replies: readonly ReplyHolder[]) => void) {
    this.#replies = new Array<ReplyHolder>(count);
    this.#missing = count;
    this.#done = done;
  }

  owner(place: number): ReplyOwner {
    return {
      replyReady: (reply) => {
        this.#replies[place] = reply;
        this.#missing -= 1;
        if (this.#missing === 0) this.#done(this.#replies);
      },
    };
  }
}

/** A tablet's range of slots, as a step on it gets it. */
export interface SlotRange {
  readonly first: number;
  readonly last: number;
}

/** The ranges that a command of this connection works on: all tablets, or on the cluster port those led here. */
export function rangesInScope(session: ClientSession): SlotRange[] {
  const { door } = session;
  const tablets = door.topology.view().tablets;
  const led = session.kind === 'cluster' ? new Set(door.router.ledTablets()) : undefined;
  return tablets
    .filter((tablet) => led === undefined || led.has(tablet.id))
    .map((tablet) => ({ first: tablet.slotFirst, last: tablet.slotLast }));
}

/** Runs one of the door's own steps on the leader of `slot`, wherever that is. */
export function runStep(
  door: DoorServices,
  slot: number,
  done: (reply: Buffer) => void,
  name: string,
  ...args: readonly (string | Uint8Array)[]
): void {
  const owner: ReplyOwner = { replyReady: (reply) => done(replyBytes(reply)) };
  new CommandOperation(
    owner,
    door.executor,
    door.table.internal(name),
    Request.of(name, ...args),
    slot,
    false,
    false,
    WhenElsewhere.forward,
  ).submit();
}

/** Runs a step on every range; `done` gets the replies in order, or the first error. */
export function runOnRanges(
  door: DoorServices,
  ranges: readonly SlotRange[],
  done: (replies: readonly Buffer[], error: string | undefined) => void,
  name: string,
  ...args: readonly (string | Uint8Array)[]
): void {
  if (ranges.length === 0) {
    done([], undefined);
    return;
  }
  const gathering = new Gathering(ranges.length, (holders) => {
    const replies = holders.map(replyBytes);
    const failed = replies.find((reply) => errorText(reply) !== undefined);
    done(replies, failed === undefined ? undefined : errorText(failed));
  });
  for (const [place, range] of ranges.entries()) {
    new CommandOperation(
      gathering.owner(place),
      door.executor,
      door.table.internal(name),
      Request.of(name, String(range.first), String(range.last), ...args),
      range.first,
      false,
      false,
      WhenElsewhere.forward,
    ).submit();
  }
}
