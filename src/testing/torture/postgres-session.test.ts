import { expect, test } from 'vitest';
import { Prng } from '../../base/prng.ts';
import { ConnectionLost } from '../connection-lost.ts';
import { type PostgresReply, PostgresServerError } from '../postgres/postgres-connection.ts';
import { NotDone, OutcomeOpen, WrongReply } from './outcome.ts';
import { type PostgresLine, PostgresSession } from './postgres-session.ts';
import { sabotagedPostgres } from './sabotage.ts';
import { postgresCounterWorkload, postgresRegisterWorkload } from './workloads/postgres.ts';

type Answer = (sql: string, sent: number) => PostgresReply | Error;

/** A session over lines that answer as they are told, and all that was sent on them. */
function session(answer: Answer, through?: (line: PostgresLine) => PostgresLine) {
  const sent: string[] = [];
  const connect = (): PostgresLine => ({
    lost: false,
    close: () => undefined,
    async send(sql) {
      sent.push(sql);
      const reply = answer(sql, sent.length);
      if (reply instanceof Error) throw reply;
      return reply;
    },
  });
  const endpoints = () => [{ host: 'a', port: 1 }];
  const options = { endpoints, prng: new Prng(1), timeout_ms: 1, connect };
  return { sent, session: new PostgresSession(through === undefined ? options : { ...options, through }) };
}

test('errors tell what was certainly not done from what nobody knows', async () => {
  const outcomeOf = (sqlstate: string, severity = 'ERROR') =>
    session(() => new PostgresServerError(severity, sqlstate, 'no')).session.execute('SELECT 1');
  for (const sqlstate of ['40001', '40P01', '25006', '53100', '53300', '57P01', '57P03'])
    await expect(outcomeOf(sqlstate)).rejects.toBeInstanceOf(NotDone);
  await expect(outcomeOf('08007', 'FATAL')).rejects.toBeInstanceOf(OutcomeOpen);
  await expect(outcomeOf('42601')).rejects.toBeInstanceOf(WrongReply);
});

test('what may have left is not sent again; what has not goes to another node', async () => {
  const broken = session(() => new ConnectionLost(true));
  await expect(broken.session.execute('SELECT 1')).rejects.toBeInstanceOf(OutcomeOpen);
  expect(broken.sent).toHaveLength(1);
  const refused = session((_, sent) => (sent < 3 ? new ConnectionLost(false) : [[['1']]]));
  expect(await refused.session.execute('SELECT 1')).toEqual([['1']]);
});

test('the lies of sabotaged clients are about what the workloads send', async () => {
  const run = async (sabotage: 'lost-write' | 'stale-read' | 'duplicate') => {
    const { sent, session: liar } = session((_, n) => [[[`${n}`]]], sabotagedPostgres(sabotage));
    const told: unknown[] = [];
    for (let n = 0; n < 20; n += 1) {
      await postgresRegisterWorkload.perform(liar, 'k', ['set', `${n}`]);
      await postgresCounterWorkload.perform(liar, 'k', ['increment', 1]);
      told.push(await postgresRegisterWorkload.perform(liar, 'k', ['get']));
    }
    return { sent: sent.length, isSorted: told.every((value, at) => at === 0 || Number(value) > Number(told[at - 1])) };
  };
  expect(await run('lost-write')).toEqual({ sent: 56, isSorted: true });
  expect(await run('duplicate')).toEqual({ sent: 64, isSorted: true });
  expect(await run('stale-read')).toEqual({ sent: 60, isSorted: false });
});
