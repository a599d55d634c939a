/** Why a session keeps its connection until it ends. */
export type PinReason =
  | 'temporary'
  | 'advisory'
  | 'hold'
  | 'prepare'
  | 'role'
  | 'load'
  | 'setting'
  | 'listen'
  | 'unseen';

export interface Effects {
  /** It may end a transaction that was open. */
  readonly mayCommit: boolean;
  /** Settings of the session may be others afterwards. */
  readonly settings: boolean;
  readonly pin: PinReason | null;
  /** Settings of its own making (`app.user`), which PostgreSQL has in no table. */
  readonly custom: readonly string[];
  /** The setting that it would change and must not; '' for none. */
  readonly refused: string;
  /** The statement that DEALLOCATE names; '' for all, null for none. */
  readonly deallocate: string | null;
  readonly discardAll: boolean;
  /** Nobody may be connected to this database for it; null for none. */
  readonly leaves: string | null;
  readonly listen: readonly string[];
  /** '*' for all. */
  readonly unlisten: readonly string[];
}

/** While a statement is looked at. */
export type MutableEffects = {
  -readonly [Name in keyof Effects]: Effects[Name] extends readonly string[] ? string[] : Effects[Name];
};

export function noEffects(): MutableEffects {
  return {
    mayCommit: false,
    settings: false,
    pin: null,
    custom: [],
    refused: '',
    deallocate: null,
    discardAll: false,
    leaves: null,
    listen: [],
    unlisten: [],
  };
}

export const COMMITS: Effects = { ...noEffects(), mayCommit: true };
