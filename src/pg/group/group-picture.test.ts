import { expect, test } from 'vitest';
import type { MemberReport } from './group-calls.ts';
import { type PictureInput, pictureOf } from './group-picture.ts';
import type { GroupRecord } from './group-record.ts';
import { changeGroup, type GroupRequest } from './group-rules.ts';

const VOTERS = [1, 2, 3].map((node) => ({ node, name: `node-${node}` }));

function recordAfter(...requests: GroupRequest[]): GroupRecord {
  const begin = changeGroup(null, { type: 'form', voters: VOTERS }, 0) as GroupRecord;
  return requests.reduce((before, request) => changeGroup(before, request, 0) as GroupRecord, begin);
}

const serving = recordAfter(
  { type: 'promoted', epoch: 1, node: 1, timeline: 1, fork: '0', parent: 0, systemIdentifier: '42' },
  { type: 'open', epoch: 1, node: 1 },
);

function rolesIn(record: GroupRecord, said: readonly MemberReport['role'][]): string[] {
  const input: PictureInput = {
    record,
    isOff: false,
    isAlive: () => true,
    nameOf: (node) => `node-${node}`,
    report: (node) => ({ role: said[node - 1] ?? 'down', replayed: '0', note: '' }),
    mayServe: true,
  };
  return pictureOf(input).servers.map(({ role }) => role);
}

test('what servers say of themselves is what they are', () => {
  expect(rolesIn(serving, ['primary', 'standby', 'learner'])).toEqual(['primary', 'standby', 'learner']);
});

test('a node that stood still through a failover knows from the record who is what', () => {
  // What it was told before: 1 was primary, 2 and 3 were standbys.
  const said = ['primary', 'standby', 'standby'] as const;
  const recruiting = recordAfterFailover();
  expect(rolesIn(recruiting, said)).toEqual(['down', 'standby', 'standby']);
  const promoted = changeGroup(recruiting, pledge(2), 0) as GroupRecord;
  const promoting = changeGroup(promoted, pledge(3), 0) as GroupRecord;
  expect(promoting).toMatchObject({ phase: 'promoting', primary: 2 });
  expect(rolesIn(promoting, said)).toEqual(['down', 'standby', 'standby']);
  const open = [
    { type: 'promoted', epoch: 2, node: 2, timeline: 2, fork: '9', parent: 1, systemIdentifier: '42' },
    { type: 'open', epoch: 2, node: 2 },
  ] satisfies GroupRequest[];
  const opened = open.reduce((before, request) => changeGroup(before, request, 0) as GroupRecord, promoting);
  expect(opened.phase).toBe('serving');
  expect(rolesIn(opened, said)).toEqual(['down', 'primary', 'standby']);
});

function recordAfterFailover(): GroupRecord {
  return changeGroup(serving, { type: 'suspect', epoch: 1, node: 1, successor: 2 }, 0) as GroupRecord;
}

function pledge(node: number): GroupRequest {
  return { type: 'pledge', epoch: 2, node, dataEpoch: 1, lsn: '9' };
}
