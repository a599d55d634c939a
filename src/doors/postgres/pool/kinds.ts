/** `read`: for those who only read, on standbys. */
export type PoolKind = 'primary' | 'read';
/** For how long a session has a connection. */
export type PoolMode = 'transaction' | 'session';
