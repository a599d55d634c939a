/** SQL text as tokens, one list for each statement of it (PostgreSQL documentation, "Lexical Structure"). */

export interface Token {
  /** `name`: in double quotes. `text`: in single quotes, or in dollars. */
  readonly kind: 'word' | 'name' | 'text' | 'symbol';
  /** Words in lower case; quoted ones as they mean. */
  readonly value: string;
}

const TOKEN =
  /--[^\n]*|\/\*|[eE]'[^'\\]*(?:(?:\\[\s\S]|'')[^'\\]*)*(?:'|\\?$)|'[^']*(?:''[^']*)*(?:'|$)|"[^"]*(?:""[^"]*)*(?:"|$)|\$([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|[\d.]+|\s+|[\s\S]/y;

export function statementsOf(sql: string): Token[][] {
  const statements: Token[][] = [[]];
  let position = 0;
  while (position < sql.length) {
    TOKEN.lastIndex = position;
    const found = TOKEN.exec(sql)?.[0] ?? '';
    if (found === '') break;
    position += found.length;
    if (found === '/*') position = endOfComment(sql, position);
    else if (found === ';') statements.push([]);
    else if (found.startsWith('$') && found.endsWith('$') && found.length > 1) {
      const close = sql.indexOf(found, position);
      const end = close < 0 ? sql.length : close;
      statements.at(-1)?.push({ kind: 'text', value: sql.slice(position, end) });
      position = close < 0 ? end : end + found.length;
    } else if (!found.startsWith('--') && found.trim() !== '') statements.at(-1)?.push(tokenOf(found));
  }
  return statements.filter((tokens) => tokens.length > 0);
}

function tokenOf(found: string): Token {
  const isEscaped = /^[eE]'/.test(found);
  const quote = isEscaped ? "'" : (found[0] ?? '');
  if (quote === '"' || quote === "'") {
    // The last one is missing where the text ends too early.
    const inner = found.slice(isEscaped ? 2 : 1, found.length > 1 && found.endsWith(quote) ? -1 : undefined);
    const value = inner.replaceAll(quote + quote, quote);
    if (quote === '"') return { kind: 'name', value };
    return { kind: 'text', value: isEscaped ? value.replaceAll(/\\(.)/gs, '$1') : value };
  }
  if (/^[A-Za-z_\u0080-\uffff]/.test(found)) return { kind: 'word', value: found.toLowerCase() };
  return { kind: 'symbol', value: found };
}

function endOfComment(sql: string, start: number): number {
  let depth = 1;
  const mark = /\/\*|\*\//g;
  mark.lastIndex = start;
  for (let found = mark.exec(sql); found !== null; found = mark.exec(sql)) {
    depth += found[0] === '/*' ? 1 : -1;
    if (depth === 0) return mark.lastIndex;
  }
  return sql.length;
}
