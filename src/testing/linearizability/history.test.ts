import { describe, expect, test } from 'vitest';
import { busyHistory } from './histories.test-support.ts';
import { HistoryRecorder, type Operation } from './history.ts';
import { decodeHistory, encodeHistory } from './history-codec.ts';

describe('a recorder', () => {
  test('keeps what was asked, when, and what was told', () => {
    const recorder = new HistoryRecorder('register');
    const set = recorder.invoke(1, 'city', ['set', 'Oulu'], 10);
    const get = recorder.invoke(2, 'city', ['get'], 11);
    const lost = recorder.invoke(3, 'city', ['delete'], 12);
    const refused = recorder.invoke(4, 'town', ['delete'], 13);
    recorder.ok(set, 14);
    recorder.ok(get, 15, 'Oulu');
    recorder.unknown(lost, 16);
    recorder.fail(refused, 17);
    recorder.invoke(1, 'city', ['get'], 18);
    const { operations, models } = recorder.history();
    expect(recorder.size).toBe(5);
    expect(operations.map(({ outcome, call, return: end, output }) => [outcome, call, end, output])).toEqual([
      ['ok', 10, 14, undefined],
      ['ok', 11, 15, 'Oulu'],
      ['unknown', 12, Number.POSITIVE_INFINITY, undefined],
      ['failed', 13, 17, undefined],
      ['unknown', 18, Number.POSITIVE_INFINITY, undefined],
    ]);
    expect([...models]).toEqual([
      ['city', 'register'],
      ['town', 'register'],
    ]);
  });

  test('keeps the order of events when the clock stands still or goes back', () => {
    for (const origin of [0, 1_700_000_000_000]) {
      const recorder = new HistoryRecorder('counter');
      const times = [5, 5, 5, 3, 4].map((time) => origin + time);
      for (const time of times) {
        const handle = recorder.invoke(0, 'k', ['increment', 1], time);
        recorder.ok(handle, time);
      }
      const { operations } = recorder.history();
      const events = operations.flatMap((operation) => [operation.call, operation.return]);
      expect(events).toHaveLength(10);
      expect(events.every((time, index) => index === 0 || time > (events[index - 1] as number))).toBe(true);
      expect(Math.max(...events)).toBeLessThan(origin + 5.01);
    }
  });

  test('asks which model a key has, once', () => {
    const asked: string[] = [];
    const recorder = new HistoryRecorder((key) => {
      asked.push(key);
      return key.startsWith('n') ? 'counter' : 'register';
    });
    for (const key of ['n1', 'r1', 'n1']) recorder.invoke(0, key, ['read'], 0);
    expect(asked).toEqual(['n1', 'r1']);
    expect(recorder.history().models.get('n1')).toBe('counter');
  });

  test('refuses to let an operation return twice, and a time that is none', () => {
    const recorder = new HistoryRecorder('register');
    const handle = recorder.invoke(0, 'k', ['get'], 0);
    recorder.ok(handle, 1);
    expect(() => recorder.fail(handle, 2)).toThrow('an operation returns once');
    expect(() => recorder.ok(7, 2)).toThrow('a handle that this recorder did not give out');
    expect(() => recorder.invoke(0, 'k', ['get'], Number.NaN)).toThrow('finite');
  });
});

describe('a history as text', () => {
  const operations: Operation[] = [
    { process: 3, key: 'b', call: 1.5, return: 2, input: ['set', 'x\n"'], output: undefined, outcome: 'ok' },
    { process: 0, key: 'a', call: 2, return: 2, input: ['members'], output: [1, 'é'], outcome: 'ok' },
    {
      process: 3,
      key: 'b',
      call: 3,
      return: Number.POSITIVE_INFINITY,
      input: ['get'],
      output: undefined,
      outcome: 'unknown',
    },
    { process: 3, key: 'b', call: 4, return: 5, input: ['delete'], output: undefined, outcome: 'failed' },
    { process: 3, key: 'b', call: 6, return: 7, input: ['get'], output: null, outcome: 'ok' },
  ];
  const models = new Map([
    ['b', 'register'],
    ['a', 'set'],
  ]);

  test('is one JSON value a line', () => {
    expect(encodeHistory({ operations, models }).split('\n')).toEqual([
      '{"format":"folkmoot-history","version":1,"models":["register","set"]}',
      '{"key":"b","model":"register"}',
      '["ok",3,0,1.5,2,["set","x\\n\\""]]',
      '{"key":"a","model":"set"}',
      '["ok",0,1,2,2,["members"],[1,"é"]]',
      '["unknown",3,0,3,null,["get"]]',
      '["failed",3,0,4,5,["delete"]]',
      '["ok",3,0,6,7,["get"],null]',
      '',
    ]);
  });

  test('reads back as it was written', () => {
    expect(decodeHistory(encodeHistory({ operations, models }))).toEqual({ operations, models });
    const large = {
      operations: busyHistory('hash', 3, { operations: 2_000, clients: 5, unknown: 0.1, unique: true }),
      models: new Map([['k', 'hash']]),
    };
    expect(decodeHistory(encodeHistory(large))).toEqual(large);
  });

  const header = '{"format":"folkmoot-history","version":1,"models":["register"]}';
  const key = '{"key":"k","model":"register"}';
  test.each([
    ['', 'the history is empty: it has no header'],
    ['{}', 'line 1 of the history is not a header with the format folkmoot-history'],
    ['{"format":"folkmoot-history","version":2,"models":[]}', 'line 1 of the history is not a header of version 1'],
    ['{"format":"folkmoot-history","version":1}', 'line 1 of the history is not a header with the names of the models'],
    [`${header}\n[`, 'line 2 of the history is not JSON'],
    [`${header}\n7`, 'line 2 of the history is not a key with its model'],
    [`${header}\n{"key":"k","model":"set"}`, 'line 2 of the history is not a key with a model that the header names'],
    [`${header}\n${key}\n${key}`, 'line 3 of the history is not a key that is named for the first time'],
    [`${header}\n["ok",0,0,1,2,["get"]]`, 'line 2 of the history is not an operation on a key that was named before'],
    [`${header}\n${key}\n["ok",0,0,1,2]`, 'line 3 of the history is not an operation with six or seven fields'],
    [
      `${header}\n${key}\n["done",0,0,1,2,[]]`,
      'line 3 of the history is not an operation that is ok, unknown or failed',
    ],
    [`${header}\n${key}\n["ok","p",0,1,2,[]]`, 'line 3 of the history is not an operation of a process with a number'],
    [`${header}\n${key}\n["ok",0,0,null,2,[]]`, 'line 3 of the history is not an operation with the time of its call'],
    [
      `${header}\n${key}\n["ok",0,0,1,"2",[]]`,
      'line 3 of the history is not an operation with a time of return or null',
    ],
    [
      `${header}\n${key}\n["ok",0,0,1,null,[]]`,
      'line 3 of the history is not an operation that is ok and has returned',
    ],
    [`${header}\n\n${key}\n["ok",0,0,3,2,[]]`, 'line 4 of the history is not an operation that returns after its call'],
  ])('that is damaged names the line (%#)', (text, message) => {
    expect(() => decodeHistory(text)).toThrow(new SyntaxError(message));
  });

  test('cannot be made of keys without a model', () => {
    expect(() => encodeHistory({ operations, models: new Map() })).toThrow('the key "b" has no model');
  });
});
