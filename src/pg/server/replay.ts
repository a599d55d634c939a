/** What can be learned of a running server about how far it is, and what is waited for. Tables and functions are PostgreSQL's own. */
import { assert } from '../../base/assert.ts';
import { FolkmootError } from '../../base/errors.ts';
import { NO_LSN, parseLsn } from '../../base/postgres-lsn.ts';
import type { Position, Replica, Row } from './local-server.ts';
import { untilSome } from './operations.ts';
import type { Sessions } from './sessions.ts';
import { PostgresError } from './wire-client.ts';

const LOOK_INTERVAL_MS = 4;
/** Twice the setting wal_retrieve_retry_interval (settings.ts), so that two looks that far apart are in different waits. */
const RETRY_CYCLE_MS = 20;
/** From then on, sessions that may hold up the replay are ended. */
const REPLAY_PATIENCE_MS = 250;

/** Of a server that has been promoted or was always a primary. */
export async function primaryPosition(sessions: Sessions): Promise<Position> {
  const [row = []] = await sessions.look(
    'SELECT pg_current_wal_flush_lsn(), substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8)',
  );
  const flushed = lsnOf(row[0]);
  return { timeline: Number.parseInt(row[1] ?? '0', 16), received: flushed, replayed: flushed };
}

export async function standbyPosition(sessions: Sessions): Promise<Position> {
  // In this order: what was replayed had been received before.
  const [replayedRow = []] = await sessions.look('SELECT pg_last_wal_replay_lsn()');
  const [, timeline, place] = await sessions.identify();
  const replayed = lsnOf(replayedRow[0]);
  const received = lsnOf(place);
  // A receiver begins at a segment's start, which is before what has been replayed.
  if (received < replayed) return { timeline: Number(timeline), received: replayed, replayed };
  return { timeline: Number(timeline), received, replayed };
}

/**
 * After `primary_conninfo` has been emptied: resolves when the WAL receiver is gone and everything that it wrote has been replayed.
 *
 * The startup process waits in 'RecoveryRetrieveRetryInterval' when neither the network nor pg_wal has anything more for it; it
 * has ended the receiver before. What was received may end within a record, and a receiver that ends may leave records that the startup
 * process has not looked at when its wait begins. So either it has replayed to the very end of what was received, or it is seen
 * waiting twice, with a whole cycle between and at the same place.
 */
export async function replayIsComplete(sessions: Sessions, signal: AbortSignal): Promise<void> {
  const began_ms = performance.now();
  let seen: { place: string | null; at_ms: number } | null = null;
  let isHurried = false;
  await untilSome(
    async () => {
      const [row = []] = await sessions.look(
        `SELECT pg_last_wal_replay_lsn(), pg_last_wal_receive_lsn(), pg_is_wal_replay_paused(),
          (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'walreceiver'),
          (SELECT wait_event FROM pg_stat_activity WHERE backend_type = 'startup')`,
      );
      const [replayed, received, isPaused, receivers, wait] = row;
      if (isPaused === 't') await sessions.look('SELECT pg_wal_replay_resume()');
      const now_ms = performance.now();
      if (receivers === '0' && wait === 'RecoveryRetrieveRetryInterval') {
        if (received !== null && lsnOf(replayed) >= lsnOf(received)) return true;
        if (seen === null || seen.place !== replayed) seen = { place: replayed ?? null, at_ms: now_ms };
        else if (now_ms - seen.at_ms > RETRY_CYCLE_MS) return true;
      }
      if (!isHurried && now_ms - began_ms > REPLAY_PATIENCE_MS) {
        isHurried = true;
        await endConflicts(sessions);
      }
      return null;
    },
    signal,
    LOOK_INTERVAL_MS,
  );
}

/** A query on a standby can hold up the replay, as long as max_standby_streaming_delay allows; a failover does not wait for it. */
async function endConflicts(sessions: Sessions): Promise<void> {
  await sessions.look(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND state <> 'idle'`,
  );
}

export async function promotionIsComplete(sessions: Sessions, signal: AbortSignal): Promise<void> {
  await untilSome(
    async () => {
      const [row = []] = await sessions.look('SELECT pg_is_in_recovery()');
      return row[0] === 'f' ? true : null;
    },
    signal,
    2,
  );
}

/**
 * Resolves when the postmaster has read the configuration: a session that is new has it from there. All other processes have been sent
 * the signal by then, and notice it before they wait for anything again. A session that is there already tells when it is worth
 * asking for a new one, which is dear: it may have been sent the signal before the others.
 */
export async function settingIsRead(
  sessions: Sessions,
  name: string,
  value: string,
  signal: AbortSignal,
): Promise<void> {
  const question = `SHOW ${name}`;
  const isValue = ([row = []]: readonly Row[]) => (row[0] === value ? true : null);
  await untilSome(async () => isValue(await sessions.look(question)), signal, 1);
  await untilSome(async () => isValue(await sessions.once(question)), signal, 1);
}

/**
 * After a new `synchronous_standby_names` has been read: resolves when no commit can be acknowledged by the old one. It is the WAL
 * senders that acknowledge. In each round one reads the configuration if it was told to, takes what its standby has confirmed, and sends.
 * So one that has sent something younger than the signal has only rounds with the new configuration before it.
 */
export async function oldRuleIsGone(sessions: Sessions, signal: AbortSignal): Promise<void> {
  // Only what is durable here is sent; and this commit must not wait for whom the new rule names.
  const [row = []] = await sessions.look(
    `BEGIN; SET LOCAL synchronous_commit = local; SELECT pg_logical_emit_message(true, 'folkmoot', ''); COMMIT`,
  );
  const mark = row[0] ?? '';
  await untilSome(
    async () => {
      const [counted = []] = await sessions.look(
        `SELECT count(*) FROM pg_stat_replication
          WHERE state IN ('catchup', 'streaming') AND (sent_lsn IS NULL OR sent_lsn < '${mark}'::pg_lsn)`,
      );
      return counted[0] === '0' ? true : null;
    },
    signal,
    LOOK_INTERVAL_MS,
  );
}

export async function replicasOf(sessions: Sessions): Promise<readonly Replica[]> {
  const rows = await sessions.look(
    `SELECT application_name, state, flush_lsn, replay_lsn FROM pg_stat_replication
      WHERE state IN ('catchup', 'streaming')`,
  );
  return rows.map(([applicationName, state, flushed, replayed]) => ({
    applicationName: applicationName ?? '',
    state: state ?? '',
    flushed: lsnOf(flushed),
    replayed: lsnOf(replayed),
  }));
}

/** PostgreSQL is there but does not take connections yet (57P03), or not any more. */
export function isNotReady(error: unknown): boolean {
  if (error instanceof PostgresError) return error.sqlstate === '57P03' || error.sqlstate === '57P01';
  return error instanceof FolkmootError && error.code === 'NODE_UNREACHABLE';
}

function lsnOf(text: string | null | undefined): bigint {
  if (text === null || text === undefined) return NO_LSN;
  const lsn = parseLsn(text);
  assert(lsn !== null, 'PostgreSQL writes places as two hexadecimal numbers');
  return lsn;
}
