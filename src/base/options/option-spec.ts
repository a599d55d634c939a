/** What an option is. */

export type CommandName =
  | 'demo'
  | 'verify'
  | 'up'
  | 'start'
  | 'init'
  | 'status'
  | 'tablets'
  | 'drain'
  | 'remove'
  | 'pg'
  | 'cert';

export type OptionGroup = 'Node' | 'Cluster' | 'Security' | 'Ports' | 'Timing' | 'Limits' | 'Logging' | 'Command';

interface OptionBase {
  readonly group: OptionGroup;
  /** One sentence or two, for help and docs. */
  readonly description: string;
  /** What stands for the value in help: `--data=DIR`. */
  readonly placeholder: string;
  readonly commands: readonly CommandName[];
  /** True: a running node takes a new value from the config file on SIGHUP. */
  readonly reloadable: boolean;
  /** Not in help nor docs; for our own use. */
  readonly hidden?: true;
  /** Taken from the command line only. */
  readonly flagOnly?: true;
  /** Defaults of single commands that differ from `default`. */
  readonly defaults?: Readonly<Partial<Record<CommandName, number | string>>>;
}

export type OptionSpec = OptionBase &
  (
    | { readonly type: 'integer'; readonly default: number; readonly min: number; readonly max: number }
    /** A count of bytes; `64mb` is understood (kb, mb, gb are powers of 1,024). */
    | { readonly type: 'bytes'; readonly default: number; readonly min: number; readonly max: number }
    | { readonly type: 'boolean'; readonly default: boolean }
    | { readonly type: 'choice'; readonly default: string; readonly choices: readonly string[] }
    /** Comma-separated, may be given several times; an array in the config file. */
    | { readonly type: 'list'; readonly default: readonly string[] }
    | { readonly type: 'string'; readonly default: string | undefined }
  );

export const START: readonly CommandName[] = ['start'];
/** Of a node that is started by itself, or by `up`. */
export const LOCAL: readonly CommandName[] = ['up', 'start'];
/** Of commands that ask a running node. */
export const CLIENT: readonly CommandName[] = ['init', 'status', 'tablets', 'drain', 'remove', 'pg'];
