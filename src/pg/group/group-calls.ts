/** What nodes tell and ask each other about the group, beside the record: small, often, and nothing is lost with a lost one. */
import type { NodeId, Router } from '../../cluster/view.ts';
import { Service } from '../../cluster/view.ts';

/** What this node's server is doing, for other nodes and for people. */
export interface MemberReport {
  readonly role: 'primary' | 'standby' | 'learner' | 'down';
  /** LSN, decimal. */
  readonly replayed: string;
  /** Why it waits, or what is wrong; in words. */
  readonly note: string;
}

export type GroupCall =
  | { readonly type: 'report'; readonly report: MemberReport }
  /** Whether the node has pledged itself to nothing newer. Answer: `{ yes }`. */
  | { readonly type: 'stands'; readonly epoch: number }
  /** An epoch has begun: an older primary there is to end. Answered when it is gone: `{ yes }`. */
  | { readonly type: 'demand'; readonly epoch: number }
  /** Before a switchover. Answered when the primary has written out what it has in memory. */
  | { readonly type: 'checkpoint' }
  /** Before a switchover from the primary of that epoch to this node. Answered at once. */
  | { readonly type: 'prepare'; readonly epoch: number }
  /** Whether the primary takes a setting, with those that there are. Answer: `{ afterRestart }`, `{ problem }`, or nothing. */
  | { readonly type: 'try'; readonly name: string; readonly value: string | null }
  /** Its data is to be replaced by a copy of the primary's. Answer: `{ yes }` or `{ problem }`. */
  | { readonly type: 'reinit' }
  /** The primary is about to change. Answer when no transaction of the node's clients runs: `{ running }`. */
  | { readonly type: 'quiesce'; readonly epoch: number; readonly patience_ms: number };

export interface GroupAnswer {
  readonly yes?: boolean;
  readonly running?: number;
  readonly afterRestart?: readonly string[];
  readonly problem?: string;
}

export class GroupCalls {
  readonly #router: Pick<Router, 'call' | 'serve'>;

  constructor(router: Pick<Router, 'call' | 'serve'>, answer: (from: NodeId, call: GroupCall) => Promise<GroupAnswer>) {
    this.#router = router;
    router.serve(Service.postgresGroup, (from, bytes, respond) => {
      answer(from, JSON.parse(bytes.toString('utf8')) as GroupCall).then(
        (reply) => respond(Buffer.from(JSON.stringify(reply))),
        () => respond(Buffer.from('{}')),
      );
    });
  }

  /** Null when there was no answer. */
  ask(node: NodeId, call: GroupCall, onAnswer: (answer: GroupAnswer | null) => void): void {
    this.#router.call(node, Service.postgresGroup, Buffer.from(JSON.stringify(call)), (bytes) =>
      onAnswer(bytes === null ? null : (JSON.parse(bytes.toString('utf8')) as GroupAnswer)),
    );
  }
}
