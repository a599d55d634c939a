/**
 * The one table of options. Flags, `FOLKMOOT_*` variables, keys of the config file, help texts, types, checks and
 * docs/configuration.md all come from it (`option-values.ts`, `cli/`). One name everywhere: option `redis-port` is
 * `--redis-port`, `FOLKMOOT_REDIS_PORT` and `"redis-port"` in the file.
 *
 * Each group of them is a file in `options/`. Units come last in names; an option without a unit is a count or a name.
 */
import { CLUSTER_OPTIONS } from './options/cluster-options.ts';
import { COMMAND_OPTIONS } from './options/command-options.ts';
import { LIMIT_OPTIONS } from './options/limit-options.ts';
import { LOGGING_OPTIONS } from './options/logging-options.ts';
import { NODE_OPTIONS } from './options/node-options.ts';
import type { CommandName, OptionSpec } from './options/option-spec.ts';
import { PORT_OPTIONS } from './options/port-options.ts';
import { SECURITY_OPTIONS } from './options/security-options.ts';
import { TIMING_OPTIONS } from './options/timing-options.ts';

export const OPTIONS = {
  ...NODE_OPTIONS,
  ...CLUSTER_OPTIONS,
  ...SECURITY_OPTIONS,
  ...PORT_OPTIONS,
  ...TIMING_OPTIONS,
  ...LIMIT_OPTIONS,
  ...LOGGING_OPTIONS,
  ...COMMAND_OPTIONS,
};

export type OptionName = keyof typeof OPTIONS;

type ValueOf<S> = S extends { type: 'integer' | 'bytes' }
  ? number
  : S extends { type: 'boolean' }
    ? boolean
    : S extends { type: 'list' }
      ? readonly string[]
      : S extends { type: 'choice'; choices: readonly (infer C)[] }
        ? C
        : S extends { default: string }
          ? string
          : string | undefined;

/** A value for every option. Those that a command does not take have their defaults. */
export type OptionValues = { readonly [K in OptionName]: ValueOf<(typeof OPTIONS)[K]> };

export type LogLevel = OptionValues['log-level'];

/** The table as a list, in its order. */
export const optionList: readonly (readonly [OptionName, OptionSpec])[] = Object.entries(OPTIONS) as [
  OptionName,
  OptionSpec,
][];

/** The value that an option has in a command when nobody gives it one. */
export function defaultOf(command: CommandName, spec: OptionSpec): OptionSpec['default'] {
  return spec.defaults?.[command] ?? spec.default;
}

export function optionsOf(command: CommandName): readonly (readonly [OptionName, OptionSpec])[] {
  return optionList.filter(([, spec]) => spec.commands.includes(command));
}

/** `FOLKMOOT_REDIS_PORT` for `redis-port`. */
export function environmentName(name: OptionName): string {
  return `FOLKMOOT_${name.toUpperCase().replaceAll('-', '_')}`;
}
