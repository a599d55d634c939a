/** Makes messages. One function with one literal, so that all messages share one hidden class. */
import type { Entry, Message, MessageType, ReplicaId, Term } from './types.ts';

export const noEntries: readonly Entry[] = Object.freeze([]) as readonly Entry[];

export function newMessage(type: MessageType, from: ReplicaId, to: ReplicaId, term: Term): Message {
  return {
    type,
    to,
    from,
    term,
    logTerm: 0,
    index: 0,
    commit: 0,
    reject: false,
    rejectHint: 0,
    context: 0,
    entries: noEntries,
    snapshot: null,
  };
}
