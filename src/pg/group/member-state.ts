/**
 * What a server of the group must not forget, beside its data: kept in a file of the node and durable before it is acted on.
 *
 * Of which reign the data is cannot be read from the data itself: two promotions from one timeline, of which one was lost, make two
 * histories with the same number. So a server notes whom it is about to follow, and from where on what it gets is of that reign.
 */

export interface MemberState {
  /** The highest epoch that it has promised to acknowledge nothing older than. */
  readonly pledged: number;
  /** The epoch of its data up to `branch.fork`. */
  readonly base: number;
  /** What lies beyond `fork` (decimal LSN) is of this epoch. */
  readonly branch: { readonly epoch: number; readonly fork: string } | null;
  /** The highest epoch in which transactions may have been acknowledged because this server had them. */
  readonly voted: number;
  /** The epoch, which had been served, in which its data was last given up for a copy of the primary's. */
  readonly emptied: number;
  /** Its data is to be replaced by a copy of that epoch's primary: decided, and perhaps begun. */
  readonly rebuild: { readonly epoch: number; readonly by: 'rewind' | 'clone' } | null;
  /** The data is a copy of the primary's that has not been seen to stream yet. */
  readonly isCopy: boolean;
  /** The database that it belongs to, once anybody could write to that. */
  readonly systemIdentifier: string;
}

export const NEW_MEMBER: MemberState = {
  pledged: 0,
  base: 0,
  branch: null,
  voted: 0,
  emptied: 0,
  rebuild: null,
  isCopy: false,
  systemIdentifier: '',
};

/** Of which reign the newest of its data is, when it has data up to `lsn`. */
export function dataEpoch(state: MemberState, lsn: bigint): number {
  const { branch, base } = state;
  return branch !== null && lsn > BigInt(branch.fork) ? branch.epoch : base;
}
