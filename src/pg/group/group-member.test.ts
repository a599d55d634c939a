import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../base/log.ts';
import { RealClock } from '../../node/real-clock.ts';
import { needsPostgres, PATIENCE, until, useServers } from '../server/postgres.test-support.ts';
import type { PostgresServer } from '../server/postgres-server.ts';
import { GroupMember } from './group-member.ts';
import type { GroupRecord } from './group-record.ts';
import { changeGroup, type GroupRequest } from './group-rules.ts';

describe.skipIf(needsPostgres !== '')(`the server of a node as a member of a group${needsPostgres}`, PATIENCE, () => {
  const rig = useServers();
  let server: PostgresServer;
  let member: GroupMember;
  let record: GroupRecord;
  /** How often the member has decided what to do next. */
  let looks = 0;

  /** As the metadata group does it: what comes out of it is read anew, so nothing of it is the same object. */
  function change(request: GroupRequest): void {
    const after = changeGroup(record ?? null, request, 0);
    if (after === null || typeof after === 'string') throw new Error(String(after));
    record = JSON.parse(JSON.stringify(after)) as GroupRecord;
    member.wake();
  }

  beforeEach(async () => {
    server = await rig.server('one');
    record = changeGroup(null, { type: 'form', voters: [{ node: 1, name: 'one' }] }, 0) as GroupRecord;
    member = await GroupMember.open({
      clock: new RealClock(),
      logger: silentLogger,
      server,
      stateFile: join(rig.folder, 'member.json'),
      socketFolder: rig.folder,
      connectToPrimary: () => connect(server.socketPath),
      self: () => 1,
      record: () => record,
      supports: () => false,
      othersSuffice: () => {
        looks += 1;
        return false;
      },
      holdsLease: () => true,
      tell: change,
      demand: () => undefined,
      roles: () => ({ version: 1, roles: new Map() }),
      quiesce: () => Promise.resolve(),
      hasFollowed: () => undefined,
    });
    member.wake();
    await until(() => record.phase === 'serving' && member.report().note === 'serving');
  }, PATIENCE.timeout);

  afterEach(() => member.stop());

  const reloads = async (): Promise<number> => {
    const log = await readFile(join(rig.folder, 'one', 'postgres.log'), 'utf8');
    return log.split('received SIGHUP').length - 1;
  };

  test('makes settings when they change, and does nothing for a record that has changed otherwise', async () => {
    const before = await reloads();
    for (let turn = 0; turn < 5; turn++) {
      const seen = looks;
      change({ type: 'set', name: 'work_mem', value: null });
      await until(() => looks > seen);
    }
    change({ type: 'set', name: 'work_mem', value: '5MB' });
    await until(async () => (await server.query('SHOW work_mem'))[0]?.[0] === '5MB');
    expect(await reloads()).toBe(before + 1);
  });
});
