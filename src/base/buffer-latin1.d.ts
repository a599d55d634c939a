/**
 * Methods that Node's Buffer has had since version 0.x and its type package leaves out. They skip the dispatch by
 * encoding name of `toString` and `write`, which is a third of the cost for keys of some ten bytes.
 */
interface Buffer {
  latin1Slice(start?: number, end?: number): string;
  latin1Write(text: string, offset?: number, length?: number): number;
}
