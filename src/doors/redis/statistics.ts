/** Counters of one node's door, for INFO and the metrics. */
export class DoorStatistics {
  connectionsReceived = 0;
  connectionsRejected = 0;
  commandsProcessed = 0;
  bytesIn = 0;
  bytesOut = 0;
  readsProcessed = 0;
  writesProcessed = 0;
  errorReplies = 0;
  expiredKeys = 0;
  expireCycle_ms = 0;
  keyspaceHits = 0;
  keyspaceMisses = 0;
  forwardedOut = 0;
  forwardedIn = 0;
  movedReplies = 0;
  outputLimitDisconnections = 0;
  unknownOutcomes = 0;

  /** CONFIG RESETSTAT. */
  reset(): void {
    for (const key of Object.keys(this)) (this as unknown as Record<string, number>)[key] = 0;
  }
}
