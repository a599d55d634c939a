/**
 * The log: pino behind `base/log.ts`. Lines go to stderr, for people by default, one JSON object a line on demand;
 * stdout belongs to the command's own output.
 */
import { type Logger as Pino, pino } from 'pino';
import type { LogFields, Logger } from '../base/log.ts';
import type { LogLevel } from '../base/options.ts';

const RANK: Readonly<Record<LogLevel, number>> = { debug: 20, info: 30, warn: 40, error: 50, silent: 99 };

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: 'text' | 'json';
  /** Where lines go; stderr when left out. */
  readonly write?: (line: string) => void;
  /** Colours, for the text format. */
  readonly colour?: boolean;
}

/** A logger whose level can be changed while it is used, for itself and every child. */
export interface RootLogger extends Logger {
  setLevel(level: LogLevel): void;
}

export function createLogger(options: LogOptions): RootLogger {
  const write = options.write ?? writeToStderr;
  const stream = {
    write: options.format === 'json' ? write : (line: string) => write(humanLine(line, options.colour === true)),
  };
  // The level is checked here: pino's children would keep the one they were born with.
  const base = pino(
    {
      level: 'debug',
      base: { pid: process.pid },
      serializers: { error: errorFields },
      formatters: { level: levelName },
    },
    stream,
  );
  const threshold = { rank: RANK[options.level] };
  const root = new PinoLogger(base, threshold);
  return Object.assign(root, {
    setLevel: (level: LogLevel) => {
      threshold.rank = RANK[level];
    },
  });
}

class PinoLogger implements Logger {
  readonly #pino: Pino;
  readonly #threshold: { readonly rank: number };

  constructor(base: Pino, threshold: { readonly rank: number }) {
    this.#pino = base;
    this.#threshold = threshold;
  }

  debug(fields: LogFields, text: string): void {
    if (this.#threshold.rank <= RANK.debug) this.#pino.debug(fields, text);
  }

  info(fields: LogFields, text: string): void {
    if (this.#threshold.rank <= RANK.info) this.#pino.info(fields, text);
  }

  warn(fields: LogFields, text: string): void {
    if (this.#threshold.rank <= RANK.warn) this.#pino.warn(fields, text);
  }

  error(fields: LogFields, text: string): void {
    if (this.#threshold.rank <= RANK.error) this.#pino.error(fields, text);
  }

  child(fields: LogFields): Logger {
    return new PinoLogger(this.#pino.child(fields), this.#threshold);
  }
}

/** A log line that cannot be written is lost: a closed pipe must not take the node down with it. */
function writeToStderr(line: string): void {
  process.stderr.write(line);
}

function levelName(label: string): { level: string } {
  return { level: label };
}

/** Errors as fields, causes included. The stack is for whoever reads JSON or debug lines. */
function errorFields(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = 'code' in error ? error.code : undefined;
  return {
    message: error.message,
    ...(code === undefined ? {} : { code }),
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: errorFields(error.cause) }),
  };
}

const COLOURS: Readonly<Record<string, string>> = { debug: '90', info: '36', warn: '33', error: '31' };

/** `12:00:00.123 warn  node-2  lost a peer  peer=node-1 error="read ECONNRESET"` */
export function humanLine(line: string, colour: boolean): string {
  const { time, level, name, msg, pid: _pid, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const clock = new Date(Number(time)).toISOString().slice(11, 23);
  const rank = String(level);
  const paint = (code: string, text: string): string => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
  const parts = [paint('90', clock), paint(COLOURS[rank] ?? '0', rank.padEnd(5))];
  if (name !== undefined) parts.push(String(name));
  parts.push(String(msg));
  const details = Object.entries(fields).map(([key, value]) => `${key}=${humanValue(value)}`);
  if (details.length > 0) parts.push(paint('90', details.join(' ')));
  const stack = rank === 'debug' || rank === 'error' ? stackOf(fields) : '';
  return `${parts.join(' ')}\n${stack}`;
}

function humanValue(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'message' in value) return JSON.stringify(value.message);
  if (typeof value === 'string') return /^[\w.:/@-]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value) ?? String(value);
}

/** Indented, without its first line, which the message already says. */
function stackOf(fields: Readonly<Record<string, unknown>>): string {
  const error = fields['error'];
  if (typeof error !== 'object' || error === null || !('stack' in error) || typeof error.stack !== 'string') return '';
  const frames = error.stack.split('\n').slice(1, 9);
  return frames.map((frame) => `  ${frame.trim()}\n`).join('');
}
