/** Ways to break the code on purpose: each is a textual edit of a copy of the sources. sim/mutations.md says what each stands for. */
export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Mutation {
  readonly name: string;
  readonly edits: readonly Edit[];
}

const TURN = 'src/tablet/turn-driver.ts';
const RECOVERED = 'src/tablet/recovered-state.ts';
const TABLET = 'src/tablet/tablet.ts';

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'acknowledge-before-fsync',
    edits: [{ file: TURN, find: 'if (waiting.walBatch > durable) break;', replace: 'void durable;' }],
  },
  {
    name: 'learners-count-for-commits',
    edits: [
      {
        file: 'src/raft/tracker.ts',
        find: 'for (const progress of half) scratch.push(progress.match);\n    return majorityIndex(scratch);',
        replace:
          'for (const progress of this.#all) scratch.push(progress.match);\n    scratch.sort((a, b) => b - a);\n    return half.length === 0 ? majorityIndex([]) : (scratch[half.length >>> 1] as number);',
      },
    ],
  },
  {
    name: 'vote-sent-before-sync',
    edits: [
      {
        file: 'src/raft/election.ts',
        find: '    core.vote = message.from;\n  }\n  core.sendAfterAppend(response);',
        replace: '    core.vote = message.from;\n  }\n  core.send(response);',
      },
    ],
  },
  {
    name: 'reads-before-first-commit-of-term',
    edits: [
      {
        file: TABLET,
        find: 'if (this.#leading && !this.#serving && this.raft.appliedIndex >= this.#termStartIndex) {',
        replace: 'if (this.#leading && !this.#serving) {',
      },
      { file: 'src/raft/support.ts', find: 'if (log.applied < core.termStartIndex) return false;', replace: '' },
      {
        file: 'src/raft/reads.ts',
        find: 'if (log.committed < core.termStartIndex) {',
        replace: 'if (log.committed < 0) {',
      },
    ],
  },
  {
    name: 'reads-without-lease',
    edits: [{ file: TABLET, find: '} else if (this.raft.hasLease()) {', replace: '} else if (this.serving) {' }],
  },
  {
    name: 'serving-before-replay',
    edits: [{ file: RECOVERED, find: 'entries, applied: index };', replace: 'entries, applied: hardState.commit };' }],
  },
  {
    name: 'applied-index-not-with-the-data',
    edits: [
      {
        file: 'src/tablet/store-flusher.ts',
        find: 'await store.write(ranges, chained(sets), trailer);',
        replace: 'await store.write([], [], trailer);\n    await store.write(ranges, chained(sets), []);',
      },
    ],
  },
  {
    name: 'refused-although-proposed',
    edits: [
      {
        file: TABLET,
        find: 'this.#orphans.set(proposal.index, proposal);',
        replace: 'this.#finish(proposal, Outcome.notLeader);',
      },
    ],
  },
  {
    name: 'entries-applied-twice',
    edits: [
      {
        file: RECOVERED,
        find: '  let index = meta.appliedIndex;',
        replace:
          '  let index = Math.max(meta.appliedIndex - 3, (group?.entries[0]?.index ?? meta.appliedIndex + 1) - 1);',
      },
    ],
  },
  {
    name: 'torn-batch-accepted',
    edits: [
      {
        file: 'src/storage/wal-format.ts',
        find: '  if (crc32(from.subarray(at + 8, at + BATCH_HEADER_BYTES + payloadLength), salt) !== crc) return null;\n',
        replace: '',
      },
    ],
  },
  {
    name: 'unknown-told-as-refused',
    edits: [
      {
        file: TABLET,
        find: '      if (proposal.proposedAt_ms > oldest_ms) break;\n      this.#finish(proposal, Outcome.unknown);',
        replace:
          '      if (proposal.proposedAt_ms > oldest_ms) break;\n      this.#finish(proposal, Outcome.notLeader);',
      },
    ],
  },
  {
    name: 'wiped-before-marked',
    edits: [
      {
        file: 'src/tablet/snapshot-installer.ts',
        find: '      await store.write([], [], [[metaKey, metaWhileInstalling]]);\n      const wiped = ranges();',
        replace:
          '      const wiped = ranges();\n      await store.write(wiped ?? [], [], [[metaKey, metaWhileInstalling]]);',
      },
    ],
  },
  {
    name: 'votes-in-spite-of-promises',
    edits: [
      {
        file: 'src/raft/election.ts',
        find: 'return core.isLeader ? quorumSupports(core) : standsByLeader(core);',
        replace: 'return core.isLeader ? quorumSupports(core) : false;',
      },
    ],
  },
  {
    name: 'votes-too-early-after-a-restart',
    edits: [
      {
        file: 'src/tablet/tablet-host.ts',
        find: 'tablet.withholdVotes(silentUntil_ms, this.clock.monotonic_ms());',
        replace: 'void silentUntil_ms;',
      },
    ],
  },
];
