/**
 * What a session has set and a new one of the same role and database has not. Connections of a pool are given a session's settings when
 * they serve it, so equal settings are one object: comparing two sessions costs nothing.
 */
export class SessionSettings {
  /** Names as PostgreSQL spells them, in order of name. */
  readonly values: ReadonlyMap<string, string>;

  private constructor(values: ReadonlyMap<string, string>) {
    this.values = values;
  }

  static readonly none = new SessionSettings(new Map());
  static #known = new Map<string, WeakRef<SessionSettings>>([['[]', new WeakRef(SessionSettings.none)]]);

  static of(values: Iterable<readonly [string, string]>): SessionSettings {
    const entries = [...values].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    const key = JSON.stringify(entries);
    const known = SessionSettings.#known.get(key)?.deref();
    if (known !== undefined) return known;
    const made = new SessionSettings(new Map(entries));
    if (SessionSettings.#known.size >= KNOWN_MAX) SessionSettings.#forget();
    SessionSettings.#known.set(key, new WeakRef(made));
    return made;
  }

  static #forget(): void {
    for (const [key, known] of SessionSettings.#known) {
      if (known.deref() === undefined) SessionSettings.#known.delete(key);
    }
  }

  get(name: string): string | undefined {
    return this.values.get(name);
  }

  /** SQL that makes a session that has `before` one that has these. */
  changeFrom(before: SessionSettings): string {
    const calls: string[] = [];
    for (const name of before.values.keys()) {
      if (!this.values.has(name)) calls.push(`pg_catalog.set_config(${literal(name)}, NULL, false)`);
    }
    for (const [name, value] of this.values) {
      if (before.values.get(name) !== value)
        calls.push(`pg_catalog.set_config(${literal(name)}, ${literal(value)}, false)`);
    }
    return `SELECT ${calls.join(', ')}`;
  }
}

/** Past it, those that nobody has any more are looked for. */
const KNOWN_MAX = 1_000;

/** What the session of a connection has set. Settings with a dot, of nobody PostgreSQL knows, are in no table: `custom` names them. */
export function settingsQuery(custom: Iterable<string>): string {
  let sql =
    "SELECT name, pg_catalog.current_setting(name) FROM pg_catalog.pg_settings WHERE source = 'session' AND name <> 'transaction_isolation'" +
    " AND name NOT IN ('transaction_read_only', 'transaction_deferrable', 'session_authorization', 'role')";
  for (const name of custom)
    sql += ` UNION ALL SELECT ${literal(name)}, pg_catalog.current_setting(${literal(name)}, true)`;
  return sql;
}

/** Backslashes and quotes are doubled, so that it means the same whatever `standard_conforming_strings` is. */
export function literal(value: string): string {
  const quoted = value.replaceAll("'", "''");
  return quoted.includes('\\') ? ` E'${quoted.replaceAll('\\', '\\\\')}'` : `'${quoted}'`;
}
