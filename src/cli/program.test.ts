import { describe, expect, test } from 'vitest';
import { FolkmootError } from '../base/errors.ts';
import { VERSION } from '../base/package.ts';
import type { Command, CommandContext } from './command.ts';
import { COMMANDS, runCommandLine } from './program.ts';

async function run(args: string[], environment: Record<string, string> = {}, commands: readonly Command[] = COMMANDS) {
  let out = '';
  let err = '';
  const code = await runCommandLine(
    args,
    environment,
    {
      out: (text) => {
        out += text;
      },
      err: (text) => {
        err += text;
      },
    },
    commands,
  );
  return { code, out, err };
}

function probe(name: Command['name'], work: (context: CommandContext) => Promise<0 | 1 | 2>): Command[] {
  return COMMANDS.map((command) => (command.name === name ? { ...command, run: work } : command));
}

describe('help and version', () => {
  test('folkmoot --help names every command', async () => {
    const { code, out, err } = await run(['--help']);
    expect(code).toBe(0);
    expect(err).toBe('');
    for (const { name, summary } of COMMANDS) expect(out).toMatch(new RegExp(`${name}.*${summary.slice(0, 12)}`));
  });

  test.each(COMMANDS.map(({ name }) => name))('folkmoot %s --help and --version', async (name) => {
    const help = await run([name, '--help']);
    expect(help.code).toBe(0);
    expect(help.out).toContain(`Usage: folkmoot ${name}`);
    expect(help.out).not.toContain('--supervised');
    expect(await run([name, '--version'])).toEqual({ code: 0, out: `${VERSION}\n`, err: '' });
  });

  test('no command at all is a usage error that shows the help', async () => {
    const { code, out, err } = await run([]);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toContain('Usage: folkmoot');
  });
});

describe('wrong command lines are cause, cure and exit code 2', () => {
  test.each([
    [['stats'], "folkmoot: unknown command 'stats'\n  Did you mean status?\n"],
    [['up', '--nodez=3'], "folkmoot: unknown option '--nodez=3'\n  Did you mean --nodes?\n"],
    [['up', '--colour'], "folkmoot: unknown option '--colour'\n  See folkmoot up --help.\n"],
    [['drain'], "folkmoot: missing required argument 'node'\n  See folkmoot drain --help.\n"],
    [['up', 'extra'], expect.stringMatching(/^folkmoot: too many arguments.*\n {2}See folkmoot up --help\.\n$/)],
    [['start'], 'folkmoot start: --data is missing\n  Name the folder for the data: --data=DIR.\n'],
    [
      ['up', '--nodes=0'],
      'folkmoot up: --nodes is "0", but it must be a whole number from 1 to 9\n  Leave it out for the default, 3.\n',
    ],
  ])('folkmoot %j', async (args, expected) => {
    expect(await run(args)).toEqual({ code: 2, out: '', err: expected });
  });
});

describe('a command', () => {
  test('gets values from flags and environment, its argument, and prints on stdout', async () => {
    const commands = probe('drain', async ({ options, argument, print }) => {
      print(`${argument} ${options.host} ${options['admin-port']}`);
      return 0;
    });
    const result = await run(['drain', 'node-2', '--host', 'h'], { FOLKMOOT_ADMIN_PORT: '7' }, commands);
    expect(result).toEqual({ code: 0, out: 'node-2 h 7\n', err: '' });
  });

  test('that fails is two lines without a stack trace, and exit code 1', async () => {
    const commands = probe('status', async () => {
      throw new FolkmootError('NODE_UNREACHABLE', 'nobody is there', 'Start somebody.', { cause: new Error('inner') });
    });
    const quiet = await run(['status'], {}, commands);
    expect(quiet).toEqual({ code: 1, out: '', err: 'folkmoot status: nobody is there\n  Start somebody.\n' });
    const loud = await run(['status', '--log-level=debug'], {}, commands);
    expect(loud.err).toContain('caused by Error: inner');
  });

  test('decides on its exit code', async () => {
    expect(
      (
        await run(
          ['demo'],
          {},
          probe('demo', async () => 1),
        )
      ).code,
    ).toBe(1);
  });
});
