/** Statements by chance, on tables that have everything: few keys and few values, so that they meet each other. */
import { Prng } from '../../../base/prng.ts';

export const RANDOM_SCHEMA: readonly string[] = [
  'CREATE TYPE person (name text, age int)',
  'CREATE TABLE t (k int, c int, d text, s int STATIC, ss set<int> STATIC, v text, w int, l list<int>, st set<text>, m map<text, int>, f frozen<list<int>>, u person, fu frozen<person>, tu tuple<int, text>, PRIMARY KEY (k, c, d)) WITH CLUSTERING ORDER BY (c DESC, d ASC)',
  'CREATE TABLE n (k int, c int, s counter STATIC, x counter, y counter, PRIMARY KEY (k, c))',
  'CREATE TABLE p (a int, b text, v int, PRIMARY KEY ((a, b)))',
];

export class RandomStatements {
  readonly #prng: Prng;
  /** The one that statements of a batch are on. */
  #partition: number | undefined;

  constructor(seed: number) {
    this.#prng = new Prng(seed);
  }

  /** A command of a script. */
  next(): string {
    const kind = this.#below(100);
    if (kind < 18) return `> ${this.#insert()}`;
    if (kind < 38) return `> ${this.#update()}`;
    if (kind < 50) return `> ${this.#delete()}`;
    if (kind < 56) return `> ${this.#batch()}`;
    if (kind < 62) return `> ${this.#counter()}`;
    if (kind < 66) return `> ${this.#plain()}`;
    const pages = this.#one(['> ', '> ', '# 1 ', '# 2 ', '# 3 ']);
    const select = this.#select();
    // Pages of groups make Cassandra 5.0.2 fail now and then.
    return select.includes('GROUP BY') ? `> ${select}` : `${pages}${select}`;
  }

  #below(limit: number): number {
    return this.#prng.below(limit);
  }

  #key(): number {
    return this.#partition ?? this.#below(3);
  }

  #one<Item>(items: readonly Item[]): Item {
    return items[this.#below(items.length)] as Item;
  }

  #chance(percent: number): boolean {
    return this.#below(100) < percent;
  }

  #some<Item>(items: readonly Item[], least: number): Item[] {
    const chosen = items.filter(() => this.#chance(40));
    return chosen.length >= least ? chosen : [this.#one(items)];
  }

  #int(): string {
    return this.#chance(4) ? 'null' : String(this.#below(5));
  }

  #text(): string {
    return this.#chance(4) ? 'null' : `'${this.#one(['a', 'b', 'c', 'aa', ''])}'`;
  }

  #list(item: () => string): string[] {
    return Array.from({ length: this.#below(4) }, item).filter((value) => value !== 'null');
  }

  #valueOf(column: string): string {
    switch (column) {
      case 'v':
        return this.#text();
      case 'l':
      case 'f':
        return this.#chance(5) ? 'null' : `[${this.#list(() => this.#int()).join(', ')}]`;
      case 'st':
        return this.#chance(5) ? 'null' : `{${this.#list(() => this.#text()).join(', ')}}`;
      case 'ss':
        return this.#chance(5) ? 'null' : `{${this.#list(() => this.#int()).join(', ')}}`;
      case 'm':
        return this.#mapLiteral();
      case 'u':
      case 'fu':
        return this.#one(['null', `{name: ${this.#text()}, age: ${this.#int()}}`, `{name: ${this.#text()}}`]);
      case 'tu':
        return `(${this.#int()}, ${this.#text()})`;
      default:
        return this.#int();
    }
  }

  #mapLiteral(): string {
    const keys = [...new Set(this.#list(() => this.#text()))];
    return `{${keys.map((key) => `${key}: ${this.#below(5)}`).join(', ')}}`;
  }

  #using(): string {
    return this.#chance(10) ? ' USING TTL 100000' : '';
  }

  #insert(): string {
    const columns = this.#some(['s', 'ss', 'v', 'w', 'l', 'st', 'm', 'f', 'u', 'fu', 'tu'], 0);
    const values = columns.map((column) => this.#valueOf(column));
    const isStatic = columns.every((column) => column === 's' || column === 'ss') && this.#chance(50);
    const keys = isStatic ? ['k'] : ['k', 'c', 'd'];
    const keyValues = [this.#key(), this.#below(4), `'${this.#one(['x', 'y'])}'`].slice(0, keys.length);
    // Without static columns in it, Cassandra would not show those that are there.
    const condition = columns.includes('s') && this.#chance(25) ? ' IF NOT EXISTS' : this.#using();
    return `INSERT INTO t (${[...keys, ...columns].join(', ')}) VALUES (${[...keyValues, ...values].join(', ')})${condition}`;
  }

  #row(): string {
    const [first, second] = [this.#below(4), this.#below(4)];
    if (this.#chance(8)) return `k = ${this.#key()} AND (c, d) IN ((${first}, 'x'), (${second}, 'y'), (${first}, 'x'))`;
    if (this.#chance(8)) return `k = ${this.#key()} AND (c, d) = (${first}, 'x')`;
    const c = this.#chance(10) ? `c IN (${this.#below(4)}, ${this.#below(4)})` : `c = ${this.#below(4)}`;
    return `k = ${this.#key()} AND ${c} AND d = '${this.#one(['x', 'y'])}'`;
  }

  #assignment(column: string): string {
    const change = this.#below(10);
    switch (column) {
      case 'l': {
        if (change < 2) return `l = l + ${this.#valueOf('l')}`;
        if (change < 4) return `l = ${this.#valueOf('l')} + l`;
        if (change < 6) return `l = l - ${this.#valueOf('l')}`;
        if (change < 8) return `l[${this.#below(3)}] = ${this.#below(5)}`;
        break;
      }
      case 'st':
      case 'ss':
        if (change < 3) return `${column} = ${column} + ${this.#valueOf(column)}`;
        if (change < 6) return `${column} = ${column} - ${this.#valueOf(column)}`;
        break;
      case 'm':
        if (change < 3) return `m = m + ${this.#valueOf('m')}`;
        if (change < 5) return `m = m - ${this.#valueOf('st')}`;
        if (change < 8) return `m['${this.#one(['a', 'b', 'c'])}'] = ${this.#int()}`;
        break;
      case 'u':
        if (change < 3) return `u.age = ${this.#int()}`;
        if (change < 6) return `u.name = ${this.#text()}`;
        break;
      default:
    }
    return `${column} = ${this.#valueOf(column)}`;
  }

  #condition(): string {
    if (this.#chance(80) || (this.#partition ?? 0) > 0) return '';
    const simple = (): string =>
      this.#one([
        `v = ${this.#text()}`,
        `w ${this.#one(['=', '!=', '<', '<=', '>', '>='])} ${this.#below(5)}`,
        `w IN (${this.#int()}, ${this.#int()})`,
        `s = ${this.#int()}`,
        `l = ${this.#valueOf('l')}`,
        `l[${this.#below(3)}] = ${this.#int()}`,
        `m['${this.#one(['a', 'b'])}'] ${this.#one(['=', '!='])} ${this.#int()}`,
        `st ${this.#one(['=', '!='])} ${this.#valueOf('st')}`,
        `f = ${this.#valueOf('f')}`,
        `u.age = ${this.#int()}`,
        `fu.age = ${this.#int()}`,
        `tu = ${this.#valueOf('tu')}`,
        `l CONTAINS ${this.#below(5)}`,
        `m CONTAINS KEY 'a'`,
      ]);
    return ` IF ${this.#chance(25) ? 'EXISTS' : Array.from({ length: 1 + this.#below(2) }, simple).join(' AND ')}`;
  }

  #update(): string {
    const isStatic = this.#chance(15);
    const columns = isStatic
      ? this.#some(['s', 'ss'], 1)
      : this.#some(['v', 'w', 'l', 'st', 'm', 'f', 'u', 'fu', 'tu', 's'], 1);
    const where = isStatic ? `k = ${this.#key()}` : this.#row();
    const set = columns.map((column) => this.#assignment(column)).join(', ');
    // With static columns in it, Cassandra would show a row that is not there as one of nulls.
    const condition = columns.includes('s') ? '' : this.#condition();
    return `UPDATE t${this.#using()} SET ${set} WHERE ${where}${condition}`;
  }

  #delete(): string {
    const what = this.#one(['', '', '', 'v', 'l', 'm', 'u', 's', 'ss', "m['a']", 'l[0]', "st['a']", 'u.age', 'v, w']);
    const isStatic = what === 's' || what === 'ss';
    const where = isStatic ? `k = ${this.#key()}` : what === '' ? this.#rows() : this.#row();
    return `DELETE ${what === '' ? '' : `${what} `}FROM t WHERE ${where}${this.#condition()}`;
  }

  /** Some rows of a partition. */
  #rows(): string {
    const [c, d] = [this.#below(4), this.#below(4)];
    return `k = ${this.#key()}${this.#one([
      '',
      ` AND c = ${c}`,
      ` AND c > ${c}`,
      ` AND c >= ${c} AND c < ${d}`,
      ` AND c <= ${c}`,
      ` AND c = ${c} AND d = 'x'`,
      ` AND c = ${c} AND d > 'x'`,
      ` AND c IN (${c}, ${d})`,
      ` AND c IN (${c}, ${d}) AND d IN ('y', 'x')`,
      ` AND (c, d) = (${c}, 'x')`,
      ` AND (c, d) > (${c}, 'x')`,
      ` AND (c, d) <= (${c}, 'y')`,
      ` AND (c, d) >= (${c}, 'y') AND (c) < (${d})`,
      ` AND (c, d) IN ((${c}, 'x'), (${d}, 'y'))`,
    ])}`;
  }

  #batch(): string {
    // Each on a partition of its own: what several do to one row is decided by the values there, since they have one time.
    const count = 1 + this.#below(3);
    const statements = Array.from({ length: count }, (_item, partition) => {
      this.#partition = partition;
      return this.#one([() => this.#insert(), () => this.#update(), () => this.#delete()])();
    });
    this.#partition = undefined;
    return `BEGIN ${this.#one(['', 'UNLOGGED '])}BATCH ${statements.join('; ')}; APPLY BATCH`;
  }

  #counter(): string {
    const delta = `${this.#one(['+', '-'])} ${this.#below(10)}`;
    const where = `k = ${this.#below(2)} AND c = ${this.#below(3)}`;
    return this.#one([
      `UPDATE n SET x = x ${delta} WHERE ${where}`,
      `UPDATE n SET x = x ${delta}, y = y + 1 WHERE ${where}`,
      `UPDATE n SET s = s ${delta} WHERE k = ${this.#below(2)}`,
      `BEGIN COUNTER BATCH UPDATE n SET x = x ${delta} WHERE ${where}; UPDATE n SET y = y ${delta} WHERE ${where}; APPLY BATCH`,
    ]);
  }

  #plain(): string {
    const key = `a = ${this.#below(3)} AND b = ${this.#one(["'x'", "'y'", "''"])}`;
    return this.#one([
      `INSERT INTO p (a, b, v) VALUES (${this.#below(3)}, '${this.#one(['x', 'y'])}', ${this.#int()})`,
      `UPDATE p SET v = ${this.#int()} WHERE ${key}`,
      `DELETE FROM p WHERE ${key}`,
      `DELETE v FROM p WHERE ${key}`,
    ]);
  }

  #select(): string {
    const other = this.#below(10);
    if (other === 0) return `SELECT ${this.#one(['*', 'k, c, x', 'count(x), sum(y)', 's', 'x + 1'])} FROM n`;
    if (other === 1)
      return `SELECT ${this.#one(['*', 'a, v', 'count(*)', 'DISTINCT a, b'])} FROM p${this.#one(['', ' LIMIT 2', " WHERE a IN (0, 1) AND b IN ('x', 'y')", ' WHERE v > 1 ALLOW FILTERING', ' WHERE token(a, b) > 0'])}`;
    const isKeyed = this.#chance(60);
    const filter = this.#chance(25) ? this.#filter() : '';
    const where = isKeyed ? this.#rows() : this.#one(['', 'k IN (0, 2)', 'token(k) > token(1)']);
    const conditions = [where, filter].filter((part) => part !== '').join(' AND ');
    const isOrdered = isKeyed && this.#chance(30);
    const order = isOrdered ? this.#one([' ORDER BY c', ' ORDER BY c DESC', ' ORDER BY c ASC, d DESC']) : '';
    const isGrouped = !isOrdered && this.#chance(10);
    const group = isGrouped ? this.#one([' GROUP BY k', ' GROUP BY k, c', ' GROUP BY k, c, d']) : '';
    const limits = `${this.#one(['', '', '', ' PER PARTITION LIMIT 2'])}${this.#one(['', '', '', ' LIMIT 1', ' LIMIT 3'])}`;
    const aggregates = ['k, count(*), max(w)', 'count(v), sum(w), avg(w), min(v)', 'k, c, min(v)'];
    const selectors = isGrouped
      ? this.#one(aggregates)
      : this.#one([
          '*',
          '*',
          '*',
          'k, c, d, v',
          'w, l, s',
          'JSON *',
          'DISTINCT k, s',
          'count(*)',
          "m['a'], st['b'], u.age",
          'f, fu.name, tu',
        ]);
    const isDistinct = selectors.startsWith('DISTINCT');
    const shown = isDistinct ? '' : conditions;
    return `SELECT ${selectors} FROM t${shown === '' ? '' : ` WHERE ${shown}`}${isDistinct ? '' : `${group}${order}${limits}`}${filter !== '' && !isDistinct ? ' ALLOW FILTERING' : ''}`;
  }

  #filter(): string {
    return this.#one([
      `v = '${this.#one(['a', 'b'])}'`,
      `w ${this.#one(['<', '>', '='])} ${this.#below(5)}`,
      `w IN (1, 2)`,
      `s = ${this.#below(5)}`,
      `l CONTAINS ${this.#below(5)}`,
      `st CONTAINS '${this.#one(['a', 'b'])}'`,
      `m CONTAINS KEY 'a'`,
      `m CONTAINS ${this.#below(5)}`,
      `m['a'] = ${this.#below(5)}`,
      `f = ${this.#one(['[1]', '[]', '[0, 1]'])}`,
      `f CONTAINS 1`,
      `fu = {name: 'a', age: 1}`,
      `tu = (1, 'a')`,
      `d = 'x'`,
    ]);
  }
}
