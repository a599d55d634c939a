/** JSON as INSERT JSON and fromJson() read it. Numbers keep their text: JavaScript's would lose digits of a bigint. */
import { MarshalError } from './composite.ts';
import { doubleText } from './numbers.ts';

export type JsonValue = null | boolean | string | JsonNumber | readonly JsonValue[] | JsonObject;
/** In the order of the text; the last of equal names counts. */
export type JsonObject = ReadonlyMap<string, JsonValue>;

export class JsonNumber {
  /** Digits as they were, or, with a fraction or an exponent, those of the nearest double. */
  readonly text: string;
  readonly isInteger: boolean;

  constructor(text: string) {
    this.isInteger = /^-?\d+$/.test(text);
    this.text = this.isInteger ? text : doubleText(Number(text));
  }
}

/** Throws MarshalError. */
export function parseJson(text: string): JsonValue {
  const reader = new JsonReader(text);
  const value = reader.value(0);
  reader.end();
  return value;
}

const DEPTH_MAX = 1_000;

class JsonReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): JsonValue {
    if (depth > DEPTH_MAX) throw this.#error('too many levels');
    this.#space();
    const first = this.#text[this.#at];
    switch (first) {
      case undefined:
        throw this.#error('unexpected end');
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      default:
        return this.#word();
    }
  }

  end(): void {
    this.#space();
    if (this.#at < this.#text.length) throw this.#error('unexpected text behind the value');
  }

  #object(depth: number): JsonObject {
    const fields = new Map<string, JsonValue>();
    this.#at += 1;
    this.#space();
    if (this.#skip('}')) return fields;
    do {
      this.#space();
      if (this.#text[this.#at] !== '"') throw this.#error('expected a name in double quotes');
      const name = this.#string();
      this.#space();
      if (!this.#skip(':')) throw this.#error("expected ':'");
      fields.set(name, this.value(depth + 1));
      this.#space();
    } while (this.#skip(','));
    if (!this.#skip('}')) throw this.#error("expected ',' or '}'");
    return fields;
  }

  #array(depth: number): JsonValue[] {
    const items: JsonValue[] = [];
    this.#at += 1;
    this.#space();
    if (this.#skip(']')) return items;
    do {
      items.push(this.value(depth + 1));
      this.#space();
    } while (this.#skip(','));
    if (!this.#skip(']')) throw this.#error("expected ',' or ']'");
    return items;
  }

  #string(): string {
    const start = this.#at;
    let end = start + 1;
    while (end < this.#text.length && this.#text[end] !== '"') end += this.#text[end] === '\\' ? 2 : 1;
    try {
      const text: unknown = JSON.parse(this.#text.slice(start, end + 1));
      this.#at = end + 1;
      return text as string;
    } catch {
      throw this.#error('invalid string');
    }
  }

  #word(): JsonValue {
    const word = /^[^\s,:[\]{}"]*/.exec(this.#text.slice(this.#at, this.#at + 10_000))?.[0] ?? '';
    const value = wordValue(word);
    if (value === undefined) throw this.#error(`unrecognized token '${word}'`);
    this.#at += word.length;
    return value;
  }

  #space(): void {
    while (/[ \t\r\n]/.test(this.#text[this.#at] ?? '')) this.#at += 1;
  }

  #skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #error(what: string): MarshalError {
    const before = this.#text.slice(0, this.#at).split('\n');
    return new MarshalError(
      `Error decoding JSON string: ${what} at line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`,
    );
  }
}

function wordValue(word: string): JsonValue | undefined {
  switch (word) {
    case 'null':
      return null;
    case 'true':
      return true;
    case 'false':
      return false;
    default:
      return /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(word) ? new JsonNumber(word) : undefined;
  }
}

/** Names that are not in double quotes of their own are in lower case. */
export function jsonFields(object: JsonObject): Map<string, JsonValue> {
  const fields = new Map<string, JsonValue>();
  for (const [name, value] of object) {
    const isQuoted = name.length > 1 && name.startsWith('"') && name.endsWith('"');
    fields.set(isQuoted ? name.slice(1, -1) : name.toLowerCase(), value);
  }
  return fields;
}
