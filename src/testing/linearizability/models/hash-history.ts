/** What a whole history of a hash tells about its operations (`Prepared`). Fields are registers or counters side by side. */
import { type Candidate, type Facts, isRequired, type Prepared } from '../model.ts';
import { type HashInput, type HashOutput, type HashState, valueIn } from './hash-state.ts';
import { type Value, valueKey } from './values.ts';

type HashCandidate = Candidate<HashInput, HashOutput>;

/** What is known about one field. */
interface Field {
  incremented: boolean;
  /** True when nothing but increments by 0 or more changes the field: then it never goes back. */
  grows: boolean;
  /** True when a `set` or a `delete` found a value. */
  found: boolean;
  readonly values: Map<Value, Occurrence>;
}

/** How a value occurs in a field. */
interface Occurrence {
  writers: number;
  /** The earliest return of a read that showed it. */
  seenBy: number;
}

/**
 * What happens to a `set` w of a value v in a field f whose outcome is unknown, as for registers:
 *
 *  A. Only w writes v into f, no increment can have made it, and a read showed it: then w happened before the read did, so
 *     it returned, as it were, when the read returned at the latest.
 *  B. No read showed v in f, and f is never incremented: nothing tells v from other values that nobody saw in f, so they
 *     may all be the same one, which makes such writes interchangeable.
 *  C. As B, and no `set` or `delete` told that it found f: w is dropped. Until f is written again, no operation with a
 *     known output comes that depends on f: a read would show v. The next `set` or `delete` of f has no known output, or
 *     one that says that f was not there, which w contradicts; so it is possible without w and makes the states equal.
 */
export function prepareHash(candidates: readonly HashCandidate[]): Prepared<HashState, HashInput, HashOutput> {
  const fields = fieldsOf(candidates);
  const unseen = new Map<string, Value>();
  const prepared: HashCandidate[] = [];
  for (const candidate of candidates) {
    const { input } = candidate;
    const field = input[0] === 'set' ? fields.get(input[1]) : undefined;
    const value = input[0] === 'set' ? field?.values.get(input[2]) : undefined;
    if (isRequired(candidate) || input[0] !== 'set' || field === undefined || value === undefined) {
      prepared.push(candidate);
    } else if (value.seenBy !== Number.POSITIVE_INFINITY) {
      const sole = value.writers === 1 && !field.incremented;
      prepared.push(sole ? { ...candidate, return: Math.max(value.seenBy, candidate.call) } : candidate);
    } else if (field.incremented) {
      prepared.push(candidate);
    } else if (field.found) {
      const representative = unseen.get(input[1]) ?? input[2];
      unseen.set(input[1], representative);
      prepared.push({ ...candidate, input: ['set', input[1], representative] });
    }
  }
  return {
    candidates: prepared,
    facts: factsAbout(fields),
    hopeless: (state, input, output) => isPast(fields, state, input, output),
  };
}

function fieldsOf(candidates: readonly HashCandidate[]): Map<string, Field> {
  const fields = new Map<string, Field>();
  const of = (name: string): Field => {
    let field = fields.get(name);
    if (field === undefined) {
      field = { incremented: false, grows: true, found: false, values: new Map() };
      fields.set(name, field);
    }
    return field;
  };
  const see = (name: string, value: Value, returned: number): void => {
    const occurrence = occurrenceIn(of(name), value);
    occurrence.seenBy = Math.min(occurrence.seenBy, returned);
  };
  for (const { input, output, return: returned } of candidates) {
    if (input[0] === 'all') {
      for (const [name, value] of shownBy(output)) see(name, value, returned);
      continue;
    }
    const field = of(input[1]);
    if (input[0] === 'get') {
      if (typeof output === 'string' || typeof output === 'number') see(input[1], output, returned);
    } else if (input[0] === 'increment') {
      field.incremented = true;
      if (input[2] < 0) field.grows = false;
    } else {
      field.grows = false;
      if (output === (input[0] === 'delete')) field.found = true;
      if (input[0] === 'set') occurrenceIn(field, input[2]).writers++;
    }
  }
  return fields;
}

function occurrenceIn(field: Field, value: Value): Occurrence {
  let occurrence = field.values.get(value);
  if (occurrence === undefined) {
    occurrence = { writers: 0, seenBy: Number.POSITIVE_INFINITY };
    field.values.set(value, occurrence);
  }
  return occurrence;
}

function shownBy(output: HashOutput | undefined): [string, Value][] {
  return typeof output === 'object' && output !== null ? Object.entries(output) : [];
}

/** The facts are the values of the fields and which fields are absent; not numbers that an increment might make. */
function factsAbout(fields: ReadonlyMap<string, Field>): Facts<HashState, HashInput, HashOutput> {
  const fact = (name: string, value: Value | null): string[] =>
    typeof value === 'number' && fields.get(name)?.incremented === true
      ? []
      : [`${name.length}:${name}${valueKey(value)}`];
  return {
    needed({ input, output }) {
      if (output === undefined) return [];
      if (input[0] === 'all') {
        const shown = new Map(shownBy(output));
        return [...fields.keys()].flatMap((name) => fact(name, shown.get(name) ?? null));
      }
      if (input[0] === 'get') return fact(input[1], output as Value | null);
      const wasAbsent = (input[0] === 'set' && output === true) || (input[0] === 'delete' && output === false);
      return wasAbsent ? fact(input[1], null) : [];
    },
    made({ input }) {
      if (input[0] === 'set') return fact(input[1], input[2]);
      return input[0] === 'delete' ? fact(input[1], null) : [];
    },
    lost(before, after) {
      const lost: string[] = [];
      const { names } = before.universe;
      for (let number = 0; number < names.length; number++) {
        const value = before.values[number] ?? null;
        if (value !== (after.values[number] ?? null)) lost.push(...fact(names[number] ?? '', value));
      }
      return lost;
    },
  };
}

/** True when the field only grows and is past the output already. */
function isPast(
  fields: ReadonlyMap<string, Field>,
  state: HashState,
  input: HashInput,
  output: HashOutput | undefined,
): boolean {
  if ((input[0] !== 'get' && input[0] !== 'increment') || fields.get(input[1])?.grows !== true) return false;
  const current = valueIn(state, input[1]);
  if (typeof current !== 'number') return false;
  if (output === null) return input[0] === 'get';
  const next = input[0] === 'increment' ? current + input[2] : current;
  return typeof output === 'number' && output < next;
}
