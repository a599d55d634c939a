/**
 * Leases rest on promises between nodes: no replica votes against a leader that counts on it (src/raft/support.ts). Looked at when a
 * vote becomes durable, which is before it is sent: whoever leads an earlier term then must not have a lease in which the
 * voter is counted. Elections alone would not show it: most such votes are lost, or come to nothing because of PreVote.
 */
import { Role } from '../../src/raft/types.ts';
import type { Machine } from '../cluster/machine.ts';
import { Violation } from './violation.ts';

export interface Vote {
  readonly tablet: number;
  readonly term: number;
  readonly candidate: number;
}

export function checkVote(machines: readonly Machine[], voter: Machine, vote: Vote): void {
  const replica = voter.process?.cluster.host?.get(vote.tablet)?.replica;
  // The process that gave it has ended meanwhile: the vote is never sent, and the next process waits before it votes.
  if (replica === undefined) return;
  for (const { process, number } of machines) {
    // While a machine is suspended nothing is served; when it goes on it looks at its clocks before it counts on anybody.
    if (process === null || process.suspended) continue;
    const tablet = process.cluster.host?.get(vote.tablet);
    if (tablet === undefined || tablet.raft.role !== Role.leader || tablet.raft.term >= vote.term) continue;
    if (tablet.replica === vote.candidate) continue;
    const { hasLease, progress, term } = tablet.raft.status();
    if (!hasLease || !progress.some(({ id, supports }) => id === replica && supports)) continue;
    throw new Violation(
      'vote-against-promise',
      `tablet ${vote.tablet}: ${replica} votes for ${vote.candidate} in term ${vote.term}, and machine ${number} has a lease of term ${term} that counts on it`,
    );
  }
}
