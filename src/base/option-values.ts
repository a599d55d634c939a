/**
 * From what the user said (flags, environment, config file) to checked values. The first of these that names an option
 * wins. Every complaint names where the bad value came from. Pure: reading the file is `node/options.ts`.
 */
import { FolkmootError } from './errors.ts';
import type { CommandName, OptionSpec } from './options/option-spec.ts';
import { defaultOf, environmentName, type OptionName, type OptionValues, optionList, optionsOf } from './options.ts';

/** A value as it came in: a flag without a value is `true`; a flag given several times is an array. */
export type RawValue = string | boolean | number | readonly string[];

export interface OptionSources {
  /** By option name. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The config file's contents, parsed. */
  readonly file?: { readonly path: string; readonly values: unknown } | undefined;
}

export interface ResolvedOptions {
  readonly values: OptionValues;
  /** Options whose value was given and is not merely the default. */
  readonly given: ReadonlySet<OptionName>;
  /** Things to tell the operator that do not stop the start. */
  readonly warnings: readonly string[];
}

/** Throws a `FolkmootError` (OPTION_INVALID, OPTION_UNKNOWN, CONFIG_FILE) that names the value's source. */
export function resolveOptions(command: CommandName, sources: OptionSources): ResolvedOptions {
  const values: Record<string, unknown> = {};
  for (const [name, spec] of optionList) values[name] = defaultOf(command, spec);
  const given = new Set<OptionName>();
  const fileValues = checkedFile(command, sources.file);
  for (const [name, spec] of optionsOf(command)) {
    const found = findRaw(name, spec, sources, fileValues);
    if (found === undefined) continue;
    values[name] = parseOption(
      name,
      { ...spec, default: defaultOf(command, spec) } as OptionSpec,
      found.raw,
      found.source,
    );
    given.add(name);
  }
  const resolved = values as unknown as OptionValues;
  checkTogether(command, resolved);
  return { values: resolved, given, warnings: unknownVariables(sources.environment) };
}

function findRaw(
  name: OptionName,
  spec: OptionSpec,
  sources: OptionSources,
  fileValues: Readonly<Record<string, unknown>>,
): { raw: unknown; source: string } | undefined {
  const flag = sources.flags[name];
  if (flag !== undefined) return { raw: flag, source: `--${name}` };
  if (spec.flagOnly) return undefined;
  const variable = environmentName(name);
  const fromEnvironment = sources.environment[variable];
  if (fromEnvironment !== undefined && fromEnvironment !== '') return { raw: fromEnvironment, source: variable };
  const fromFile = fileValues[name];
  if (fromFile !== undefined)
    return { raw: fromFile, source: `"${name}" in ${sources.file?.path ?? 'the config file'}` };
  return undefined;
}

/** The file may hold options of other commands (one file serves all), but no name that does not exist. */
function checkedFile(command: CommandName, file: OptionSources['file']): Readonly<Record<string, unknown>> {
  if (file === undefined) return {};
  if (typeof file.values !== 'object' || file.values === null || Array.isArray(file.values)) {
    throw new FolkmootError(
      'CONFIG_FILE',
      `${file.path} does not hold a JSON object`,
      'Write it as {"redis-port": 6379, ...}.',
    );
  }
  for (const key of Object.keys(file.values)) {
    const spec = optionList.find(([name]) => name === key)?.[1];
    if (spec === undefined) {
      const near = nearest(
        key,
        optionsOf(command).map(([name]) => name),
      );
      throw new FolkmootError(
        'OPTION_UNKNOWN',
        `there is no option "${key}", which ${file.path} sets`,
        near === undefined ? 'See `folkmoot start --help` for all of them.' : `Did you mean "${near}"?`,
      );
    }
    if (spec.flagOnly || key === 'config') {
      throw new FolkmootError(
        'CONFIG_FILE',
        `"${key}" cannot be set in ${file.path}`,
        `Use the flag --${key} instead.`,
      );
    }
  }
  return file.values as Record<string, unknown>;
}

/** One raw value, checked. `source` is how the user wrote it, for the error. */
export function parseOption(name: OptionName, spec: OptionSpec, raw: unknown, source: string): unknown {
  const fail = (rule: string): never => {
    throw new FolkmootError('OPTION_INVALID', `${source} is ${shown(raw)}, but ${rule}`, cureFor(name, spec));
  };
  switch (spec.type) {
    case 'integer':
    case 'bytes': {
      const value = spec.type === 'bytes' ? parseBytes(raw) : parseInteger(raw);
      const range = `from ${plain(spec.min)} to ${plain(spec.max)}`;
      if (value === undefined || value < spec.min || value > spec.max) {
        return fail(spec.type === 'bytes' ? `it must be a size ${range} bytes` : `it must be a whole number ${range}`);
      }
      return value;
    }
    case 'boolean': {
      const value = parseBoolean(raw);
      return value === undefined ? fail('it must be true or false') : value;
    }
    case 'choice':
      if (typeof raw === 'string' && spec.choices.includes(raw)) return raw;
      return fail(`it must be one of ${spec.choices.join(', ')}`);
    case 'list': {
      const list = parseList(raw);
      return list === undefined ? fail('it must be a list of names') : list;
    }
    case 'string':
      if (typeof raw === 'string' && raw.trim() !== '') return raw.trim();
      return fail('it must not be empty');
  }
}

function cureFor(name: OptionName, spec: OptionSpec): string {
  if (spec.default === undefined || spec.type === 'list') return `Give it as --${name}=${spec.placeholder}.`;
  return `Leave it out for the default, ${plain(spec.default)}.`;
}

function parseInteger(raw: unknown): number | undefined {
  if (typeof raw === 'number') return Number.isInteger(raw) ? raw : undefined;
  if (typeof raw !== 'string' || !/^-?\d{1,15}$/.test(raw.trim())) return undefined;
  return Number(raw);
}

/** Redis's own rule would make `1k` 1,000 and `1kb` 1,024; here only the powers of 1,024 exist. */
export function parseBytes(raw: unknown): number | undefined {
  if (typeof raw === 'number') return Number.isInteger(raw) ? raw : undefined;
  if (typeof raw !== 'string') return undefined;
  const match = /^(\d{1,15})\s*(b|kb|kib|mb|mib|gb|gib)?$/i.exec(raw.trim());
  if (match === null) return undefined;
  const factors: Record<string, number> = { k: 1_024, m: 1_024 ** 2, g: 1_024 ** 3 };
  return Number(match[1]) * (factors[(match[2] ?? 'b').charAt(0).toLowerCase()] ?? 1);
}

function parseBoolean(raw: unknown): boolean | undefined {
  if (typeof raw === 'boolean') return raw;
  if (typeof raw !== 'string') return undefined;
  if (['true', 'yes', '1', 'on'].includes(raw.toLowerCase())) return true;
  if (['false', 'no', '0', 'off'].includes(raw.toLowerCase())) return false;
  return undefined;
}

function parseList(raw: unknown): readonly string[] | undefined {
  const parts = Array.isArray(raw) ? raw : [raw];
  const list: string[] = [];
  for (const part of parts) {
    if (typeof part !== 'string') return undefined;
    for (const item of part.split(',')) if (item.trim() !== '') list.push(item.trim());
  }
  return list;
}

/** Rules between options. */
function checkTogether(command: CommandName, values: OptionValues): void {
  if (command !== 'start' && command !== 'up') return;
  if (values['support-duration-ms'] < 3 * values['heartbeat-interval-ms']) {
    throw new FolkmootError(
      'OPTION_INVALID',
      `support-duration-ms (${values['support-duration-ms']}) is less than three times heartbeat-interval-ms (${values['heartbeat-interval-ms']})`,
      'Raise the first or lower the second: one late heartbeat must not cost a node its leadership.',
    );
  }
  const ports = [
    'redis-port',
    'redis-single-port',
    'cql-port',
    'postgres-port',
    'postgres-read-port',
    'admin-port',
    'peer-port',
  ] as const;
  for (const [index, name] of ports.entries()) {
    const twin = ports.slice(0, index).find((other) => values[other] === values[name]);
    if (twin === undefined) continue;
    throw new FolkmootError(
      'OPTION_INVALID',
      `${twin} and ${name} are both ${values[name]}`,
      `Choose another port with --${name}.`,
    );
  }
}

/** A misspelt variable would otherwise be ignored without a word. */
function unknownVariables(environment: OptionSources['environment']): string[] {
  const known = new Set(optionList.map(([name]) => environmentName(name)));
  const names = [...known];
  return Object.keys(environment)
    .filter((variable) => variable.startsWith('FOLKMOOT_') && !known.has(variable))
    .map((variable) => {
      const near = nearest(variable, names);
      return `environment variable ${variable} is not an option${near === undefined ? '' : `; did you mean ${near}?`}`;
    });
}

/** The flags that give another process the same values; only what differs from the defaults. */
export function flagsFor(values: OptionValues, command: CommandName): string[] {
  const flags: string[] = [];
  for (const [name, spec] of optionsOf(command)) {
    const value = values[name];
    if (value === undefined || name === 'config' || String(value) === String(spec.default)) continue;
    flags.push(spec.type === 'boolean' && value === true ? `--${name}` : `--${name}=${String(value)}`);
  }
  return flags;
}

/** The candidate with the fewest edits, when they are few. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestEdits = Math.max(2, Math.floor(word.length / 4)) + 1;
  for (const candidate of candidates) {
    const edits = editDistance(word, candidate);
    if (edits < bestEdits) {
      best = candidate;
      bestEdits = edits;
    }
  }
  return best;
}

/** Levenshtein, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

function shown(raw: unknown): string {
  return JSON.stringify(raw) ?? String(raw);
}

/** 67108864 as 64mb; other numbers as they are. */
export function plain(value: unknown): string {
  if (typeof value !== 'number' || value < 1_024 * 1_024) return String(value);
  for (const [factor, unit] of [
    [1_024 ** 3, 'gb'],
    [1_024 ** 2, 'mb'],
  ] as const) {
    if (value % factor === 0) return `${value / factor}${unit}`;
  }
  return String(value);
}
