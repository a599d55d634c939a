/**
 * Answers that a connection to PostgreSQL still owes, as far as they are not simply passed on: those of statements that are prepared and
 * closed, and the end of each request. Kept in order; numbers where there is nothing to remember.
 */
import type { Prepared } from '../session/prepared-statements.ts';

export const Expect = {
  /** ReadyForQuery of a Sync. */
  sync: 0,
  /** ReadyForQuery of a simple query or a function call. */
  query: 1,
  /** CloseComplete that the client waits for. */
  close: 2,
  /** CloseComplete that the client does not know of. */
  closeUnseen: 3,
  /** CloseComplete that the client is told as ParseComplete: it was prepared here already. */
  closeAsParse: 4,
  /** ParseComplete that the client waits for, of the statement without a name or in a session of its own. */
  parse: 5,
  /** ReadyForQuery that the client does not know of. */
  syncUnseen: 6,
} as const;

/** ParseComplete of a named statement. */
export interface ExpectedParse {
  readonly prepared: Prepared | null;
  /** What the client calls it; null when the client does not know of this one. */
  readonly name: string | null;
}

export type Expected = number | ExpectedParse;
