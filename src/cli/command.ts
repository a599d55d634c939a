/** What a command of `folkmoot` is, and what it is given. Each has a file of its own; `program.ts` lists them. */
import type { CommandName } from '../base/options/option-spec.ts';
import type { OptionName, OptionValues } from '../base/options.ts';

export interface Command {
  readonly name: CommandName;
  /** One line for `folkmoot --help`. */
  readonly summary: string;
  /** What `folkmoot COMMAND --help` adds. */
  readonly details: string;
  /** Shown and required: `<node>`. */
  readonly argument?: { readonly name: string; readonly description: string; readonly isMany?: true };
  /** The exit code when it rejects, for commands to which `failed` means something else. */
  readonly errorCode?: ExitCode;
  /** Resolves with the exit code; rejects with what went wrong. */
  run(context: CommandContext): Promise<ExitCode>;
}

export interface CommandContext {
  readonly options: OptionValues;
  /** Options that were given, by flag, environment or file, and do not merely have their default. */
  readonly given: ReadonlySet<OptionName>;
  /** Empty unless the command takes an argument. */
  readonly argument: string;
  /** All of them, where the argument may be many words. */
  readonly words: readonly string[];
  /** Things to tell the operator that do not stop the command. */
  readonly warnings: readonly string[];
  /** Reads the options again, config file included. */
  reload(): Promise<OptionValues>;
  /** One line on stdout: the command's own output. Everything else goes to stderr. */
  print(line: string): void;
}

export const ExitCode = {
  ok: 0,
  /** It did not work, or something was lost. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** It worked, and showed neither that all is well nor that something is not. */
  unproved: 3,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
