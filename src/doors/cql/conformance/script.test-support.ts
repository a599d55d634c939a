/**
 * Scripts of statements with what a server answered to each of them. A script is a text file:
 *
 *     -- a comment
 *     > a statement
 *     ? a statement that is prepared: its variables, the positions of the partition key among them, its columns
 *     ! a statement that is prepared and executed <- value; value; null; unset
 *     # 3 a statement whose rows are read in pages of 3
 *
 * and after each of them, indented, the answer: `done`, `error CODE TEXT`, `schema …`, `keyspace …`, or the columns with their types
 * and then a line for each row. Where this door answers something else on purpose, lines that begin with `~` after Cassandra's answer
 * are ours, and a comment above says why.
 */
import { boundValue, type Page, type Prepared, typeText, type WireClient } from './wire-client.test-support.ts';

export interface Step {
  readonly command: string;
  readonly answer: readonly string[];
  /** What this door answers instead, if it does. */
  readonly own: readonly string[];
}

const INDENT = '    ';
const OWN = `${INDENT}~ `;
const COMMAND = /^[>?!#] /;

export function readScript(text: string): Step[] {
  const steps: { command: string; answer: string[]; own: string[] }[] = [];
  for (const line of text.split('\n')) {
    if (COMMAND.test(line)) steps.push({ command: line, answer: [], own: [] });
    else if (line.startsWith(OWN)) steps.at(-1)?.own.push(line.slice(OWN.length));
    else if (line.startsWith(INDENT)) steps.at(-1)?.answer.push(line.slice(INDENT.length));
  }
  return steps;
}

/** The text of a script with other answers. */
export function writeScript(text: string, answers: readonly (readonly string[])[]): string {
  const lines: string[] = [];
  let at = 0;
  for (const line of text.split('\n')) {
    if (line.startsWith(INDENT) && !line.startsWith(OWN)) continue;
    lines.push(line);
    if (COMMAND.test(line)) lines.push(...(answers[at++] ?? []).map((answer) => `${INDENT}${answer}`));
  }
  return lines.join('\n');
}

/** What the server says to it. */
export async function runStep(client: WireClient, command: string): Promise<readonly string[]> {
  return (await answerTo(client, command)).map((line) => line.replaceAll('\n', '\\n'));
}

async function answerTo(client: WireClient, command: string): Promise<readonly string[]> {
  const text = command.slice(2);
  switch (command[0]) {
    case '?': {
      const prepared = await client.prepare(text);
      return isPrepared(prepared) ? preparedLines(prepared) : prepared;
    }
    case '!': {
      const [statement = '', values = ''] = text.split(' <- ');
      const prepared = await client.prepare(statement);
      if (!isPrepared(prepared)) return prepared;
      const texts = values === '' ? [] : values.split('; ');
      return client.execute(
        prepared,
        texts.map((value, index) => {
          const variable = prepared.variables[index];
          if (variable === undefined) return Buffer.alloc(0);
          return boundValue(variable.type, value);
        }),
      );
    }
    case '#': {
      const space = text.indexOf(' ');
      return pagesOf(client, text.slice(space + 1), Number(text.slice(0, space)));
    }
    default:
      return client.query(text);
  }
}

function isPrepared(prepared: Prepared | readonly string[]): prepared is Prepared {
  return 'id' in prepared;
}

function preparedLines({ variables, partitionKey, columns }: Prepared): string[] {
  const names = (list: Prepared['columns']) => list.map(({ name, type }) => `${name} ${typeText(type)}`).join(' | ');
  return [`variables ${names(variables)}`, `partition key ${partitionKey.join(' ')}`, `columns ${names(columns)}`].map(
    (line) => line.trimEnd(),
  );
}

async function pagesOf(client: WireClient, text: string, size: number): Promise<readonly string[]> {
  const lines: string[] = [];
  let state: Buffer | null = null;
  do {
    const page: Page = await client.page(text, size, state);
    // Where pages end is not compared, nor that the last one may be empty.
    lines.push(...page.lines.filter((line) => line.startsWith('= ') || !lines.includes(line)));
    state = page.pagingState;
  } while (state !== null);
  return lines;
}
