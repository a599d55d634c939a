import { describe, expect, test } from 'vitest';
import { Prng } from '../../base/prng.ts';
import { ConnectionLost } from '../connection-lost.ts';
import { type CqlReply, type CqlRequest, CqlServerError } from '../cql/cql-connection.ts';
import { type CqlLine, CqlSession } from './cql-session.ts';
import { NotDone, OutcomeOpen, WrongReply } from './outcome.ts';
import { sabotagedCql } from './sabotage.ts';

type Answer = CqlReply | ConnectionLost;

/** A session with one node, whose answers are given one by one; the last one stays. */
function sessionWith(answers: readonly Answer[]): { session: CqlSession; sent: CqlRequest[] } {
  const sent: CqlRequest[] = [];
  const connect = (): CqlLine => ({
    lost: false,
    close: () => undefined,
    send: async (request) => {
      sent.push(request);
      const answer = answers[Math.min(sent.length, answers.length) - 1] as Answer;
      if (answer instanceof ConnectionLost) throw answer;
      return answer;
    },
  });
  const endpoints = (): { host: string; port: number }[] => [{ host: 'h', port: 1 }];
  return { session: new CqlSession({ endpoints, prng: new Prng(1), timeout_ms: 100, connect }), sent };
}

const WRITE = 'UPDATE torture.registers SET v = ? WHERE k = ?';

describe('a statement', () => {
  test('that is answered is done', async () => {
    const { session } = sessionWith([[{ v: 'x' }]]);
    expect(await session.execute('SELECT v FROM t WHERE k = ?', 'k')).toEqual([{ v: 'x' }]);
  });

  test.each([0x1100, 0x1200, 0x1700])(
    'answered with the time-out %i has an open outcome, and is sent once',
    async (code) => {
      const { session, sent } = sessionWith([new CqlServerError(code, 'late')]);
      await expect(session.execute(WRITE, 'v', 'k')).rejects.toBeInstanceOf(OutcomeOpen);
      expect(sent).toHaveLength(1);
    },
  );

  test.each([0x1000, 0x1001, 0x2500])('refused with %i was not done', async (code) => {
    const { session, sent } = sessionWith([new CqlServerError(code, 'no')]);
    await expect(session.execute(WRITE, 'v', 'k')).rejects.toBeInstanceOf(NotDone);
    expect(sent).toHaveLength(1);
  });

  test.each([0x0000, 0x2000, 0x2200])('answered with %i is no answer of a working server', async (code) => {
    const { session } = sessionWith([new CqlServerError(code, 'no')]);
    await expect(session.execute(WRITE, 'v', 'k')).rejects.toBeInstanceOf(WrongReply);
  });

  test('that did not leave goes to the next node; one that did is not sent again', async () => {
    const starting = new CqlServerError(0x1002, 'starting');
    const away = sessionWith([new ConnectionLost(false), starting, []]);
    expect(await away.session.execute(WRITE, 'v', 'k')).toEqual([]);
    expect(away.sent).toHaveLength(3);
    const lost = sessionWith([new ConnectionLost(true), []]);
    await expect(lost.session.execute(WRITE, 'v', 'k')).rejects.toBeInstanceOf(OutcomeOpen);
    expect(lost.sent).toHaveLength(1);
  });
});

describe('a lie', () => {
  /** How many of forty requests reach the node. */
  async function reached(sabotage: 'lost-write' | 'duplicate', text: string): Promise<number> {
    let count = 0;
    const honest: CqlLine = {
      lost: false,
      close: () => undefined,
      send: async () => {
        count += 1;
        return [];
      },
    };
    const line = sabotagedCql(sabotage)(honest);
    for (let n = 0; n < 40; n += 1) await line.send({ statement: { text, values: ['k'] } });
    return count;
  }

  test('about a lost write keeps one of five, and no other statement', async () => {
    expect(await reached('lost-write', WRITE)).toBe(32);
    expect(await reached('lost-write', `${WRITE} IF v = ?`)).toBe(40);
    expect(await reached('duplicate', 'UPDATE torture.counters SET n = n + 1 WHERE k = ?')).toBe(48);
  });

  test('about a stale read shows what was read before', async () => {
    let value = 0;
    const honest: CqlLine = {
      lost: false,
      close: () => undefined,
      send: async () => {
        value += 1;
        return [{ v: value }];
      },
    };
    const line = sabotagedCql('stale-read')(honest);
    const seen: CqlReply[] = [];
    for (let n = 0; n < 41; n += 1)
      seen.push(await line.send({ statement: { text: 'SELECT v FROM t', values: ['k'] } }));
    expect(seen.filter((reply) => JSON.stringify(reply) === '[{"v":1}]')).toHaveLength(9);
  });
});
