/**
 * Histories as text, one JSON value a line, so that a history can be kept beside a failed run and checked again.
 *
 *   {"format":"folkmoot-history","version":1,"models":["register"]}     the header: names of all models used
 *   {"key":"city","model":"register"}                                   names a key; keys are numbered 0, 1, ... in this order
 *   ["ok",3,0,12.5,13.25,["set","Oulu"]]                                outcome, process, key number, call, return, input, output
 *   ["ok",4,0,13,14,["get"],"Oulu"]                                     output is left out when nothing was told
 *   ["unknown",3,0,15,null,["delete"]]                                  return is null when it is not known
 *
 * A key is named before its first operation. Inputs and outputs are JSON values.
 *
 * Versions: 1, the first.
 */
import type { History, Operation, Outcome } from './history.ts';

export const HISTORY_FORMAT = 'folkmoot-history';
export const HISTORY_VERSION = 1;

/** The whole text, each line ended by a newline. */
export function encodeHistory(history: History): string {
  let text = '';
  for (const line of encodeHistoryLines(history)) text += `${line}\n`;
  return text;
}

/** Line by line and without newlines, for histories that are written to a stream. */
export function* encodeHistoryLines(history: History): Generator<string, void, undefined> {
  const models = [...new Set(history.models.values())].sort();
  yield JSON.stringify({ format: HISTORY_FORMAT, version: HISTORY_VERSION, models });
  const numbers = new Map<string, number>();
  for (const operation of history.operations) {
    let number = numbers.get(operation.key);
    if (number === undefined) {
      const model = history.models.get(operation.key);
      if (model === undefined) throw new RangeError(`the key ${JSON.stringify(operation.key)} has no model`);
      yield JSON.stringify({ key: operation.key, model });
      number = numbers.size;
      numbers.set(operation.key, number);
    }
    yield encodeOperation(operation, number);
  }
}

function encodeOperation(operation: Operation, key: number): string {
  const { outcome, process, call, input, output } = operation;
  // JSON turns Infinity into null by itself.
  const fields: unknown[] = [outcome, process, key, call, operation.return, input];
  if (output !== undefined) fields.push(output);
  return JSON.stringify(fields);
}

/** Throws SyntaxError with the number of the line that is not what it must be, or when the version is not known. */
export function decodeHistory(text: string): History {
  return decodeHistoryLines(text.split('\n'));
}

/** As `decodeHistory`, for lines that come from a stream. Empty lines are skipped. */
export function decodeHistoryLines(lines: Iterable<string>): History {
  const operations: Operation[] = [];
  const models = new Map<string, string>();
  const keys: string[] = [];
  let number = 0;
  let header: Header | undefined;
  for (const line of lines) {
    number++;
    if (line.trim() === '') continue;
    const value = parseLine(line, number);
    if (header === undefined) {
      header = parseHeader(value, number);
    } else if (Array.isArray(value)) {
      operations.push(parseOperation(value, keys, number));
    } else {
      const { key, model } = parseKey(value, header, models, number);
      keys.push(key);
      models.set(key, model);
    }
  }
  if (header === undefined) throw new SyntaxError('the history is empty: it has no header');
  return { operations, models };
}

interface Header {
  readonly models: readonly unknown[];
}

function parseLine(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new SyntaxError(`line ${number} of the history is not JSON`, { cause: error });
  }
}

function parseHeader(value: unknown, number: number): Header {
  const { format, version, models } = fieldsOf(value);
  if (format !== HISTORY_FORMAT) throw wrong(number, `a header with the format ${HISTORY_FORMAT}`);
  if (version !== HISTORY_VERSION) throw wrong(number, `a header of version ${HISTORY_VERSION}`);
  if (!Array.isArray(models)) throw wrong(number, 'a header with the names of the models');
  return { models };
}

function parseKey(
  value: unknown,
  header: Header,
  known: ReadonlyMap<string, string>,
  number: number,
): { key: string; model: string } {
  const { key, model } = fieldsOf(value);
  if (typeof key !== 'string' || typeof model !== 'string') throw wrong(number, 'a key with its model');
  if (!header.models.includes(model)) throw wrong(number, 'a key with a model that the header names');
  if (known.has(key)) throw wrong(number, 'a key that is named for the first time');
  return { key, model };
}

function parseOperation(fields: readonly unknown[], keys: readonly string[], number: number): Operation {
  const [outcome, process, keyNumber, call, returned, input, output] = fields;
  const key = typeof keyNumber === 'number' ? keys[keyNumber] : undefined;
  if (fields.length < 6 || fields.length > 7) throw wrong(number, 'an operation with six or seven fields');
  if (!isOutcome(outcome)) throw wrong(number, 'an operation that is ok, unknown or failed');
  if (!Number.isInteger(process)) throw wrong(number, 'an operation of a process with a number');
  if (key === undefined) throw wrong(number, 'an operation on a key that was named before');
  if (typeof call !== 'number') throw wrong(number, 'an operation with the time of its call');
  if (returned !== null && typeof returned !== 'number')
    throw wrong(number, 'an operation with a time of return or null');
  const end = returned ?? Number.POSITIVE_INFINITY;
  if (outcome === 'ok' && end === Number.POSITIVE_INFINITY)
    throw wrong(number, 'an operation that is ok and has returned');
  if (end < call) throw wrong(number, 'an operation that returns after its call');
  return { process: process as number, key, call, return: end, input, output, outcome };
}

function isOutcome(value: unknown): value is Outcome {
  return value === 'ok' || value === 'unknown' || value === 'failed';
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function wrong(number: number, expected: string): SyntaxError {
  return new SyntaxError(`line ${number} of the history is not ${expected}`);
}
