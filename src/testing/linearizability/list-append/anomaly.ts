/**
 * What can be wrong with a history of transactions. The names are those of Adya ("Weak Consistency", 1999) and of Elle
 * (Kingsbury and Alvaro, 2020).
 */
import type { TransactionOperation } from './transaction.ts';

export type AnomalyKind =
  /** A cycle of writes over writes. */
  | 'G0'
  /** Something was read that a failed transaction had written. */
  | 'G1a'
  /** Something was read that its writer replaced in the same transaction. */
  | 'G1b'
  /** A cycle of writes over writes and reads of writes, with a read. */
  | 'G1c'
  /** A cycle with exactly one write over what was read (read skew). */
  | 'G-single'
  /** A cycle with at least two writes over what was read (write skew). */
  | 'G2'
  /** The same cycles, closed by one transaction having ended before another began. */
  | 'G0-realtime'
  | 'G1c-realtime'
  | 'G-single-realtime'
  | 'G2-realtime'
  /** A transaction contradicts itself. */
  | 'internal'
  /** Two reads of a list, of which neither is the beginning of the other. */
  | 'incompatible-order'
  /** A value stands in a list twice. */
  | 'duplicate-append'
  /** A value stands in a list that nobody appended to it. */
  | 'phantom'
  /** An acknowledged append is missing in every read, also in one that began after the acknowledgement. */
  | 'lost-append';

export interface Anomaly {
  readonly kind: AnomalyKind;
  /** What happened, in one or more sentences. */
  readonly text: string;
  /** The transactions that show it; of a cycle, in its order. */
  readonly transactions: readonly TransactionOperation[];
}
