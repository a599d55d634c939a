/** Counters of a gateway; they only go up. */
import type { PinReason } from './sql/statement-effects.ts';

export interface GatewayStatistics {
  clientsReceived: number;
  clientsRejected: number;
  loginsFailed: number;
  /** Transactions that ended on a connection of a pool. */
  transactions: number;
  /** Those of them on standbys. */
  standbyTransactions: number;
  /** Reads that no standby could serve in time. */
  readsOnPrimary: number;
  /** Transactions that had to wait for a connection. */
  waits: number;
  waitTimeouts: number;
  serversOpened: number;
  serversFailed: number;
  cancels: number;
  /** Statements prepared on another connection than the first, because a session went on there. */
  preparedAgain: number;
  settingsApplied: number;
  refused: number;
  /** Errors 57P01 and 08007 that the gateway itself has told. */
  interrupted: number;
  unknownOutcomes: number;
  bytesIn: number;
  bytesOut: number;
  /** Sessions that could not be pooled any more, by what they did. */
  readonly pinned: Record<PinReason, number>;
}

export function newStatistics(): GatewayStatistics {
  return {
    clientsReceived: 0,
    clientsRejected: 0,
    loginsFailed: 0,
    transactions: 0,
    standbyTransactions: 0,
    readsOnPrimary: 0,
    waits: 0,
    waitTimeouts: 0,
    serversOpened: 0,
    serversFailed: 0,
    cancels: 0,
    preparedAgain: 0,
    settingsApplied: 0,
    refused: 0,
    interrupted: 0,
    unknownOutcomes: 0,
    bytesIn: 0,
    bytesOut: 0,
    pinned: {
      temporary: 0,
      advisory: 0,
      hold: 0,
      prepare: 0,
      role: 0,
      load: 0,
      setting: 0,
      listen: 0,
      unseen: 0,
    },
  };
}
