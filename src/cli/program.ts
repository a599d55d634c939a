/**
 * From arguments to an exit code. Errors are two lines on stderr, what happened and what to do; stack traces only at
 * --log-level=debug.
 */
import { Command as CommanderCommand, CommanderError, Option } from 'commander';
import { describeError } from '../base/errors.ts';
import { plain } from '../base/option-values.ts';
import type { OptionSpec } from '../base/options/option-spec.ts';
import { defaultOf, environmentName, type OptionName, optionsOf } from '../base/options.ts';
import { VERSION } from '../base/package.ts';
import { loadOptions } from '../node/options.ts';
import { certCommand } from './cert.ts';
import { type Command, type CommandContext, ExitCode } from './command.ts';
import { demoCommand } from './demo.ts';
import { drainCommand } from './drain.ts';
import { initCommand } from './init.ts';
import { pgCommand } from './pg.ts';
import { removeCommand } from './remove.ts';
import { startCommand } from './start.ts';
import { statusCommand } from './status.ts';
import { tabletsCommand } from './tablets.ts';
import { upCommand } from './up.ts';
import { verifyCommand } from './verify.ts';

export const COMMANDS: readonly Command[] = [
  demoCommand,
  verifyCommand,
  upCommand,
  startCommand,
  initCommand,
  statusCommand,
  tabletsCommand,
  drainCommand,
  removeCommand,
  pgCommand,
  certCommand,
];

export interface Output {
  out(text: string): void;
  err(text: string): void;
}

type Environment = Readonly<Record<string, string | undefined>>;

export async function runCommandLine(
  args: readonly string[],
  environment: Environment,
  output: Output,
  commands: readonly Command[] = COMMANDS,
): Promise<ExitCode> {
  let exitCode: ExitCode = ExitCode.ok;
  const program = new CommanderCommand('folkmoot')
    .description('A database cluster of equal nodes that agree by Raft. Redis clients use it as they are.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .configureOutput({ writeOut: output.out, writeErr: output.err, outputError: () => undefined })
    .addHelpText('after', '\nTry it: folkmoot demo. Options of a command: folkmoot COMMAND --help.')
    .exitOverride();
  for (const command of commands) {
    addCommand(program, command, async (flags, words) => {
      exitCode = await runCommand(command, flags, words, environment, output);
    });
  }
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return ExitCode.ok;
    // Commander has printed the help of a command line without a command itself.
    if (error.code !== 'commander.help') output.err(usageLines(error.message, helpOf(args[0], commands)));
    return ExitCode.usage;
  }
}

function helpOf(word: string | undefined, commands: readonly Command[]): string {
  return commands.some(({ name }) => name === word) ? `folkmoot ${word} --help` : 'folkmoot --help';
}

/** Commander's `error: cause\n(hint)` as cause and cure. */
function usageLines(message: string, help: string): string {
  const [first = '', hint = ''] = message.split('\n');
  const cause = first.replace(/^error: /, '');
  const cure = hint.replace(/^\((.*)\)$/, '$1') || `See ${help}.`;
  return `folkmoot: ${cause}\n  ${cure}\n`;
}

function addCommand(
  program: CommanderCommand,
  command: Command,
  action: (flags: Record<string, unknown>, words: readonly string[]) => Promise<void>,
): void {
  const sub = program
    .command(command.name)
    .summary(command.summary)
    .description(command.details)
    .helpOption('-h, --help', 'print this help');
  sub.version(VERSION, '-V, --version', 'print the version');
  if (command.argument !== undefined) {
    const { name, description, isMany } = command.argument;
    sub.argument(isMany ? `<${name}...>` : `<${name}>`, description);
  }
  const attributes = new Map<string, OptionName>();
  for (const [name, spec] of optionsOf(command.name)) {
    const option = commanderOption(name, { ...spec, default: defaultOf(command.name, spec) } as OptionSpec);
    attributes.set(option.attributeName(), name);
    sub.addOption(option);
  }
  if (optionsOf(command.name).some(([, spec]) => !spec.flagOnly)) {
    sub.addHelpText('after', '\nAn option --some-name can also be set as FOLKMOOT_SOME_NAME in the environment.');
  }
  sub.action(async (...received: unknown[]) => {
    const flags: Record<string, unknown> = {};
    for (const [attribute, value] of Object.entries(sub.opts())) {
      const name = attributes.get(attribute);
      if (name !== undefined) flags[name] = value;
    }
    const given = command.argument === undefined ? [] : received[0];
    await action(flags, Array.isArray(given) ? given.map(String) : [String(given)]);
  });
}

/** Values stay as they were written: `option-values.ts` checks them, whatever their source. */
function commanderOption(name: OptionName, spec: OptionSpec): Option {
  const flag = spec.type === 'boolean' ? `--${name}` : `--${name} <${spec.placeholder}>`;
  const option = new Option(flag, helpText(spec)).hideHelp(spec.hidden === true);
  option.helpGroup(spec.group === 'Command' ? 'Options:' : `${spec.group}:`);
  if (spec.type === 'list') {
    option.argParser((value: string, before: readonly string[] | undefined) => [...(before ?? []), value]);
  }
  return option;
}

function helpText(spec: OptionSpec): string {
  const notes: string[] = [];
  if (spec.type === 'choice') notes.push(spec.choices.join(', '));
  if (spec.type !== 'boolean' && spec.type !== 'list' && spec.default !== undefined) {
    notes.push(`default ${plain(spec.default)}`);
  }
  return notes.length === 0 ? spec.description : `${spec.description} (${notes.join('; ')})`;
}

async function runCommand(
  command: Command,
  flags: Record<string, unknown>,
  words: readonly string[],
  environment: Environment,
  output: Output,
): Promise<ExitCode> {
  const load = () => loadOptions(command.name, flags, environment);
  try {
    const { values, given, warnings } = await load();
    const context: CommandContext = {
      options: values,
      given,
      argument: words[0] ?? '',
      words,
      warnings,
      reload: async () => (await load()).values,
      print: (line) => output.out(`${line}\n`),
    };
    return await command.run(context);
  } catch (error) {
    const { code, text, cure } = describeError(error);
    output.err(`folkmoot ${command.name}: ${text}\n  ${cure}\n`);
    const debug = (flags['log-level'] ?? environment[environmentName('log-level')]) === 'debug';
    if (debug && error instanceof Error) output.err(`${error.stack}\n${causes(error)}`);
    const usage = code === 'OPTION_INVALID' || code === 'OPTION_UNKNOWN' || code === 'CONFIG_FILE';
    return usage ? ExitCode.usage : (command.errorCode ?? ExitCode.failed);
  }
}

function causes(error: Error): string {
  if (!(error.cause instanceof Error)) return '';
  return `caused by ${error.cause.stack}\n${causes(error.cause)}`;
}
