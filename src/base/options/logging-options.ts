/** What a node writes about itself. */
import { CLIENT, LOCAL, type OptionSpec } from './option-spec.ts';

export const LOGGING_OPTIONS = {
  'log-level': {
    group: 'Logging',
    type: 'choice',
    default: 'info',
    choices: ['debug', 'info', 'warn', 'error', 'silent'],
    placeholder: 'LEVEL',
    description: 'The least important lines to log (on stderr). Nodes of `up` log from `warn` on unless this is given.',
    commands: ['demo', 'verify', ...LOCAL, ...CLIENT],
    reloadable: true,
  },
  'log-format': {
    group: 'Logging',
    type: 'choice',
    default: 'text',
    choices: ['text', 'json'],
    placeholder: 'FORMAT',
    description: 'Lines for people, or one JSON object a line.',
    commands: LOCAL,
    reloadable: false,
  },
} as const satisfies Record<string, OptionSpec>;
