/** Flags of the programs in this folder: `--name=value`, numbers checked, unknown names refused. */
import { parseArgs } from 'node:util';

export interface Flag {
  readonly default: string;
  readonly help: string;
}

export class Flags {
  readonly #values: ReadonlyMap<string, string>;

  private constructor(values: ReadonlyMap<string, string>) {
    this.#values = values;
  }

  /** Prints help and ends the process when asked to, or when a flag is wrong. */
  static parse(purpose: string, flags: Readonly<Record<string, Flag>>): Flags {
    const options = Object.fromEntries(Object.keys(flags).map((name) => [name, { type: 'string' as const }]));
    try {
      const { values }: { values: Record<string, string | boolean | undefined> } = parseArgs({
        options: { ...options, help: { type: 'boolean' } },
        strict: true,
      });
      if (values['help'] === true) {
        console.log(helpText(purpose, flags));
        process.exit(0);
      }
      const all = Object.entries(flags).map(([name, flag]): [string, string] => {
        const given = values[name];
        return [name, typeof given === 'string' ? given : flag.default];
      });
      return new Flags(new Map(all));
    } catch (error) {
      console.error(`${error instanceof Error ? error.message : error}\n\n${helpText(purpose, flags)}`);
      process.exit(2);
    }
  }

  text(name: string): string {
    return this.#values.get(name) ?? '';
  }

  number(name: string): number {
    const value = Number(this.text(name));
    if (Number.isFinite(value) && value >= 0) return value;
    console.error(`--${name} must be a number of at least 0`);
    process.exit(2);
  }

  list(name: string): readonly string[] {
    return this.text(name)
      .split(',')
      .filter((item) => item !== '');
  }
}

function helpText(purpose: string, flags: Readonly<Record<string, Flag>>): string {
  const lines = Object.entries(flags).map(([name, flag]) => {
    const value = flag.default === '' ? '' : ` (${flag.default})`;
    return `  --${name}=...`.padEnd(28) + flag.help + value;
  });
  return [purpose, '', ...lines].join('\n');
}
