/** The second step of `effectsOf`: statements that may do more than their transaction, token by token. */
import { type Effects, type MutableEffects, noEffects, type PinReason } from './statement-effects.ts';
import { statementsOf, type Token } from './tokens.ts';

const ADVISORY = /^pg_(try_)?advisory_lock(_shared)?$/;
/** The one setting that a session must not have: every commit waits for the standbys. */
const SYNCHRONOUS_COMMIT = 'synchronous_commit';
const HIDDEN_SET =
  /\bset\s+(local\s+|session\s+)?"?synchronous_commit\b|\bset_config\s*\(\s*'synchronous_commit'|\bset\s+"?synchronous_commit\b/i;
/** In a statement, because these are no settings of a session but names for several things. */
const NOT_SETTINGS = new Set(['transaction', 'constraints']);

/** Null when it is nothing after all. */
export function analyse(sql: string, managed: ReadonlySet<string>): Effects | null {
  const effects = noEffects();
  for (const tokens of statementsOf(sql)) analyseStatement(tokens, effects, managed);
  const { mayCommit, settings, pin, refused, deallocate, discardAll, leaves, listen, unlisten } = effects;
  const isNothing =
    !mayCommit && !settings && pin === null && refused === '' && deallocate === null && !discardAll && leaves === null;
  return isNothing && listen.length + unlisten.length === 0 ? null : effects;
}

function analyseStatement(tokens: readonly Token[], effects: MutableEffects, managed: ReadonlySet<string>): void {
  lookAnywhere(tokens, effects);
  const second = tokens[1];
  switch (wordAt(tokens, 0)) {
    case 'set':
      analyseSet(tokens, effects);
      return;
    case 'reset':
      effects.settings = true;
      return;
    case 'commit':
    case 'end':
    case 'call':
      effects.mayCommit = true;
      return;
    case 'do':
      effects.mayCommit = true;
      lookForHidden(tokens, effects);
      return;
    case 'create':
      lookForHidden(tokens, effects);
      lookAtDatabase(tokens, effects);
      return;
    case 'drop':
      lookAtDatabase(tokens, effects);
      return;
    case 'alter':
      if (wordAt(tokens, 1) === 'system') refuseManaged(nameAt(tokens, 3), effects, managed);
      lookForHidden(tokens, effects);
      lookAtDatabase(tokens, effects);
      return;
    case 'declare':
      if (tokens.some((token, index) => isWord(token, 'with') && isWord(tokens[index + 1], 'hold')))
        pin(effects, 'hold');
      return;
    case 'prepare':
      if (wordAt(tokens, 1) === 'transaction') effects.mayCommit = true;
      else pin(effects, 'prepare');
      return;
    case 'load':
      pin(effects, 'load');
      return;
    case 'deallocate': {
      const name = wordAt(tokens, 1) === 'prepare' ? tokens[2] : second;
      effects.deallocate = isWord(name, 'all') ? '' : (name?.value ?? '');
      return;
    }
    case 'discard':
      if (wordAt(tokens, 1) === 'all') effects.discardAll = true;
      return;
    case 'listen':
      if (second !== undefined) effects.listen.push(second.value);
      return;
    case 'unlisten':
      if (second !== undefined) effects.unlisten.push(second.value);
      return;
    default:
  }
}

/** SET [SESSION | LOCAL] name, SET TRANSACTION, SET ROLE, SET TIME ZONE ... */
function analyseSet(tokens: readonly Token[], effects: MutableEffects): void {
  const isLocal = wordAt(tokens, 1) === 'local';
  let at = isLocal || (wordAt(tokens, 1) === 'session' && wordAt(tokens, 2) !== 'authorization') ? 2 : 1;
  let name = nameAt(tokens, at);
  // With a dot it is a name of the user's own.
  while (tokens[at + 1]?.value === '.' && tokens[at + 2] !== undefined) {
    name += `.${nameAt(tokens, at + 2)}`;
    at += 2;
  }
  if (name === SYNCHRONOUS_COMMIT && wordAt(tokens, at + 2) !== 'default') effects.refused = name;
  if (isLocal || NOT_SETTINGS.has(name)) return;
  noteSetting(name, effects);
}

function noteSetting(name: string, effects: MutableEffects): void {
  // SET SESSION AUTHORIZATION has been read up to its first word.
  if (name === 'role' || name === 'session' || name === 'session_authorization') pin(effects, 'role');
  else effects.settings = true;
  if (name.includes('.')) effects.custom.push(name);
}

/** What is no statement of its own but can stand in one. */
function lookAnywhere(tokens: readonly Token[], effects: MutableEffects): void {
  for (const [index, token] of tokens.entries()) {
    if (token.kind !== 'word' && token.kind !== 'name') continue;
    const { value } = token;
    if (value === 'set_config') lookAtSetConfig(tokens[index + 2], effects);
    else if (value === 'pg_settings' && wordAt(tokens, 0) === 'update') {
      effects.settings = true;
      if (tokens.some((each) => each.value === SYNCHRONOUS_COMMIT)) effects.refused = SYNCHRONOUS_COMMIT;
    } else if (ADVISORY.test(value)) pin(effects, 'advisory');
    else if (value === 'pg_temp') pin(effects, 'temporary');
    else if (value === 'temp' || value === 'temporary') lookAtTemporary(tokens, index, effects);
  }
}

function lookAtSetConfig(name: Token | undefined, effects: MutableEffects): void {
  if (name?.kind !== 'text') {
    pin(effects, 'setting');
    return;
  }
  const setting = name.value.toLowerCase();
  if (setting === SYNCHRONOUS_COMMIT) effects.refused = setting;
  noteSetting(setting, effects);
}

/** CREATE TEMP, and SELECT INTO TEMP. What is gone at the end of its transaction needs no connection of its own. */
function lookAtTemporary(tokens: readonly Token[], index: number, effects: MutableEffects): void {
  const first = wordAt(tokens, 0);
  const before = first === 'create' ? /^(create|replace|local|global)$/ : /^(into|local|global)$/;
  const isMade = tokens[index]?.kind === 'word' && before.test(wordAt(tokens, index - 1));
  const isDropped = tokens.some(
    (token, at) => isWord(token, 'on') && isWord(tokens[at + 1], 'commit') && isWord(tokens[at + 2], 'drop'),
  );
  if (isMade && !isDropped) pin(effects, 'temporary');
}

/** DROP DATABASE [IF EXISTS] name, ALTER DATABASE name RENAME ..., CREATE DATABASE ... TEMPLATE [=] name. */
function lookAtDatabase(tokens: readonly Token[], effects: MutableEffects): void {
  if (wordAt(tokens, 1) !== 'database') return;
  const isDropped = wordAt(tokens, 0) === 'drop';
  const template = tokens.findIndex((token) => isWord(token, 'template'));
  let at = isDropped && wordAt(tokens, 2) === 'if' ? 4 : 2;
  if (wordAt(tokens, 0) === 'create') {
    if (template < 0) return;
    at = tokens[template + 1]?.value === '=' ? template + 2 : template + 1;
  } else if (!isDropped && wordAt(tokens, 3) !== 'rename') return;
  effects.leaves = tokens[at]?.value ?? null;
}

function refuseManaged(name: string, effects: MutableEffects, managed: ReadonlySet<string>): void {
  if (managed.has(name)) effects.refused = name;
}

/** In the bodies of functions, and for roles, databases and functions: SET synchronous_commit. */
function lookForHidden(tokens: readonly Token[], effects: MutableEffects): void {
  const text = tokens.map((token) => (token.kind === 'text' ? `'${token.value}'` : token.value)).join(' ');
  if (HIDDEN_SET.test(text)) effects.refused = SYNCHRONOUS_COMMIT;
}

function pin(effects: MutableEffects, reason: PinReason): void {
  effects.pin ??= reason;
}

function isWord(token: Token | undefined, word: string): boolean {
  return token?.kind === 'word' && token.value === word;
}

function wordAt(tokens: readonly Token[], index: number): string {
  const token = tokens[index];
  return token?.kind === 'word' ? token.value : '';
}

/** Of a setting: names are not told apart by their case. */
function nameAt(tokens: readonly Token[], index: number): string {
  return tokens[index]?.value.toLowerCase() ?? '';
}
