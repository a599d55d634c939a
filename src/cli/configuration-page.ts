/** docs/configuration.md, written from the option table; a test fails when the file is stale. */
import { plain } from '../base/option-values.ts';
import type { OptionGroup, OptionSpec } from '../base/options/option-spec.ts';
import { environmentName, type OptionName, optionList } from '../base/options.ts';

const GROUPS: readonly OptionGroup[] = [
  'Node',
  'Cluster',
  'Security',
  'Ports',
  'Timing',
  'Limits',
  'Logging',
  'Command',
];

const HEAD = `# Configuration

<!-- Written by \`npx vitest run --project unit configuration-page -u\` from src/base/options/; do not edit. -->

Every option can come from three places. The first of them that names it wins:

1. the command line: \`--redis-port=6400\`,
2. the environment: \`FOLKMOOT_REDIS_PORT=6400\`,
3. the JSON file that \`--config=FILE\` (or \`FOLKMOOT_CONFIG\`) names: \`{ "redis-port": 6400 }\`.

A bad value is an error that says where it came from. One file may serve all commands; a name that no command knows is an
error. Sizes take \`kb\`, \`mb\` and \`gb\` (powers of 1,024). On SIGHUP a node that has a config file reads it again and takes
over the options marked *reloadable*; the others need a restart. Options marked *flag only* are taken from the command line
alone.
`;

export function configurationPage(): string {
  const sections = GROUPS.map((group) => {
    const options = optionList.filter(([, spec]) => spec.group === group && spec.hidden !== true);
    const title = group === 'Command' ? 'Of single commands' : group;
    return `## ${title}\n\n${options.map(([name, spec]) => entry(name, spec)).join('\n')}`;
  });
  return `${HEAD}\n${sections.join('\n')}`;
}

function entry(name: OptionName, spec: OptionSpec): string {
  const notes = [valueNote(spec)];
  notes.push(spec.flagOnly ? 'flag only' : `\`${environmentName(name)}\``);
  if (spec.reloadable) notes.push('reloadable');
  notes.push(spec.commands.map((command) => `\`${command}\``).join(', '));
  const flag = spec.type === 'boolean' ? `--${name}` : `--${name}=${spec.placeholder}`;
  return `### \`${flag}\`\n\n${spec.description}\n\n${notes.join(' · ')}\n`;
}

function valueNote(spec: OptionSpec): string {
  switch (spec.type) {
    case 'integer':
    case 'bytes':
      return `default ${defaultsNote(spec)}, from ${plain(spec.min)} to ${plain(spec.max)}`;
    case 'boolean':
      return 'off unless given';
    case 'choice':
      return `${spec.choices.join(', ')}; default ${spec.default}`;
    case 'list':
      return 'comma-separated, or given several times';
    case 'string':
      return spec.default === undefined ? 'no default' : `default ${spec.default}`;
  }
}

function defaultsNote(spec: OptionSpec): string {
  const others = Object.entries(spec.defaults ?? {}).map(([command, value]) => `, of \`${command}\` ${plain(value)}`);
  return plain(spec.default) + others.join('');
}
