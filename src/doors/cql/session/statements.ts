/** Prepared statements of a door, by id. The ones used longest ago go first; a client whose statement is gone prepares it again. */
import { createHash } from 'node:crypto';
import type { Statement, StatementEngine } from './engine.ts';
import { metadataId } from './metadata-id.ts';

const STATEMENTS_MAX = 10_000;

interface Entry {
  readonly statement: Statement;
  readonly keyspace: string | null;
  readonly version: number;
  /** Some clients may have been told of other columns when they prepared it. */
  readonly hasOtherColumns: boolean;
}

export class PreparedStatements {
  readonly #engine: StatementEngine;
  readonly #byId = new Map<string, Entry>();
  /** Texts of QUERY messages, which clients repeat too. */
  readonly #byText = new Map<string, Entry>();

  constructor(engine: StatementEngine) {
    this.#engine = engine;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** Those that can be executed by their ids. */
  *prepared(): Iterable<{ readonly id: Buffer; readonly keyspace: string | undefined; readonly text: string }> {
    for (const { statement, keyspace } of this.#byId.values()) {
      yield { id: statement.id, keyspace: keyspace ?? undefined, text: statement.text };
    }
  }

  /** Throws CqlError. */
  prepare(text: string, keyspace: string | null): Statement {
    const statement = this.#engine.prepare(text, keyspace);
    const key = statement.id.latin1Slice();
    const known = this.#byId.get(key);
    const hasOtherColumns =
      known !== undefined &&
      (known.hasOtherColumns || !metadataId(known.statement.result).equals(metadataId(statement.result)));
    remember(this.#byId, key, { statement, keyspace, version: this.#engine.version, hasOtherColumns });
    return statement;
  }

  /** Undefined: it is not known (any more). Throws CqlError when the schema does not allow it any more. */
  find(id: Buffer): Statement | undefined {
    const key = id.latin1Slice();
    const entry = this.#byId.get(key);
    if (entry === undefined) return undefined;
    if (entry.version === this.#engine.version) return entry.statement;
    return this.prepare(entry.statement.text, entry.keyspace);
  }

  /** Whether the columns of its result are not those that everybody who has prepared it was told of. */
  hasOtherColumns(id: Buffer): boolean {
    return this.#byId.get(id.latin1Slice())?.hasOtherColumns === true;
  }

  /** For a statement that is sent as text. Throws CqlError. */
  ofText(text: string, keyspace: string | null): Statement {
    const key = keyspace === null ? text : `${keyspace}\0${text}`;
    const known = this.#byText.get(key);
    if (known !== undefined && known.version === this.#engine.version) return known.statement;
    const statement = this.#engine.prepare(text, keyspace);
    // Long texts with their values in them are not sent twice.
    if (text.length < 1_000)
      remember(this.#byText, key, { statement, keyspace, version: this.#engine.version, hasOtherColumns: false });
    return statement;
  }
}

function remember(map: Map<string, Entry>, key: string, entry: Entry): void {
  map.delete(key);
  map.set(key, entry);
  if (map.size <= STATEMENTS_MAX) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}

/** The id of a statement. */
export function statementId(keyspace: string | null, text: string): Buffer {
  return createHash('md5')
    .update(keyspace ?? '')
    .update(text)
    .digest();
}
