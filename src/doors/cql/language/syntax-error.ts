/**
 * What is wrong with a text, in Cassandra's words (those of its parser generator): error code 0x2000.
 */
export class CqlSyntaxError extends Error {
  override readonly name = 'CqlSyntaxError';
}

export interface Position {
  /** Counted from 1. */
  readonly line: number;
  /** UTF-16 units since the line began, counted from 0. */
  readonly column: number;
}

export function positionOf(text: string, at: number): Position {
  let line = 1;
  let begin = 0;
  for (let next = text.indexOf('\n'); next >= 0 && next < at; next = text.indexOf('\n', begin)) {
    line++;
    begin = next + 1;
  }
  return { line, column: at - begin };
}
