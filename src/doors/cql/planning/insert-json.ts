/** INSERT JSON: the columns of the object, each from its JSON. */
import { CqlError, invalidRequest } from '../errors.ts';
import type { InsertJson } from '../language/ast.ts';
import type { Column, Table } from '../schema/model.ts';
import { type Cell, MarshalError } from '../types/composite.ts';
import { type DataType, Native } from '../types/data-type.ts';
import { encodeJson } from '../types/from-json.ts';
import { type JsonValue, jsonFields, parseJson } from '../types/json.ts';
import { Evaluable, type Evaluation, UNSET, type Value } from '../types/value.ts';
import { type ColumnOperation, setValue } from './assignments.ts';
import type { PrepareContext } from './prepare-context.ts';

/** The value of one column of the object. */
class FieldValue extends Evaluable {
  override readonly isConstant = false;
  override readonly type: DataType;
  readonly #object: JsonObject;
  readonly #name: string;
  readonly #otherwise: Value;

  constructor(column: Column, object: JsonObject, otherwise: Value) {
    super();
    this.type = column.type;
    this.#object = object;
    this.#name = column.name;
    this.#otherwise = otherwise;
  }

  override evaluate(at: Evaluation): Value {
    const fields = this.#object.fields(at);
    const found = fields.get(this.#name);
    if (found === undefined) return this.#otherwise;
    return found === null ? null : decoded(this.type, found, this.#name);
  }
}

/** The text, read once for each execution. */
class JsonObject {
  readonly #text: Evaluable;
  readonly #names: ReadonlySet<string>;
  #at: Evaluation | null = null;
  #fields: ReadonlyMap<string, JsonValue> = new Map();

  constructor(text: Evaluable, names: ReadonlySet<string>) {
    this.#text = text;
    this.#names = names;
  }

  fields(at: Evaluation): ReadonlyMap<string, JsonValue> {
    if (this.#at === at) return this.#fields;
    const text = this.#text.evaluate(at);
    if (text === null || text === UNSET) throw invalidRequest('Got null for INSERT JSON values');
    const fields = parsed(text);
    for (const name of fields.keys()) {
      if (!this.#names.has(name)) throw invalidRequest(`JSON values map contains unrecognized column: ${name}`);
    }
    this.#at = at;
    this.#fields = fields;
    return fields;
  }
}

function parsed(text: Buffer): Map<string, JsonValue> {
  const json = text.toString('utf8');
  const refuse = (why: string): CqlError =>
    invalidRequest(`Could not decode JSON string as a map: ${why}. (String was: ${json})`);
  let value: JsonValue;
  try {
    value = parseJson(json);
  } catch (error) {
    if (!(error instanceof MarshalError)) throw error;
    throw refuse(error.message);
  }
  if (!(value instanceof Map)) throw refuse('it is no object');
  return jsonFields(value);
}

function decoded(type: DataType, value: JsonValue, name: string): Cell {
  try {
    return encodeJson(type, value);
  } catch (error) {
    if (!(error instanceof CqlError)) throw error;
    throw invalidRequest(`Error decoding JSON value for ${name}: ${error.message}`);
  }
}

export function insertJsonPlan(
  table: Table,
  statement: InsertJson,
  context: PrepareContext,
): Map<Column, ColumnOperation | Evaluable> {
  const text = context.valueFor(statement.json, table, '[json]', Native.text);
  const object = new JsonObject(text, new Set(table.columns.map(({ name }) => name)));
  const values = new Map<Column, ColumnOperation | Evaluable>();
  for (const column of table.columns) {
    const isKey = column.kind === 'partition_key' || column.kind === 'clustering';
    const value = new FieldValue(column, object, statement.isDefaultUnset && !isKey ? UNSET : null);
    values.set(column, isKey ? value : setValue(column, value));
  }
  return values;
}
