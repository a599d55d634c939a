/** What registers, hashes, sets and lists hold. Compared by identity: the number 1 and the text '1' are different values. */
export type Value = string | number;

/** Different for different values, and for null, which stands for "nothing there". */
export function valueKey(value: Value | null): string {
  if (value === null) return '';
  return typeof value === 'number' ? String(value) : JSON.stringify(value);
}

/** The value as people read it. */
export function showValue(value: Value | null | undefined): string {
  if (value === undefined) return '?';
  if (value === null) return 'nothing';
  return typeof value === 'number' ? String(value) : JSON.stringify(value);
}

const SHOWN_VALUES = 12;

/** A list as people read it; the middle of a long one is left out. */
export function showList(values: readonly (Value | string)[]): string {
  if (values.length <= SHOWN_VALUES) return `[${values.map(showValue).join(' ')}]`;
  const half = SHOWN_VALUES / 2;
  const first = values.slice(0, half).map(showValue).join(' ');
  const last = values.slice(-half).map(showValue).join(' ');
  return `[${first} ... ${last}] (${values.length})`;
}

/** `text -> result`, or only the text when nothing was told. */
export function withResult(text: string, output: unknown, show: string): string {
  return output === undefined || output === null ? text : `${text} → ${show}`;
}
