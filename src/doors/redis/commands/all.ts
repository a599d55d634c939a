/** Every command of the door, in the order of the documentation. A new command is added to its family and to this list. */
import type { CommandSpec } from '../command-spec.ts';
import * as acl from './acl.ts';
import * as bit from './bitmap-bit.ts';
import * as field from './bitmap-field.ts';
import * as bitOperation from './bitmap-operation.ts';
import * as client from './client.ts';
import * as cluster from './cluster.ts';
import * as collectionScan from './collection-scan.ts';
import * as command from './command.ts';
import * as connection from './connection.ts';
import * as dumps from './generic-dump.ts';
import * as expire from './generic-expire.ts';
import * as keys from './generic-keys.ts';
import { object } from './generic-object.ts';
import * as scan from './generic-scan.ts';
import * as sorting from './generic-sort.ts';
import * as wait from './generic-wait.ts';
import * as geoPosition from './geo-position.ts';
import * as geoSearch from './geo-search.ts';
import * as hashExpire from './hash-expire.ts';
import * as hashFieldOptions from './hash-field-options.ts';
import * as hashNumbers from './hash-number.ts';
import * as hashRandom from './hash-random.ts';
import * as hashReading from './hash-read.ts';
import * as hashWriting from './hash-write.ts';
import * as hyperloglog from './hyperloglog.ts';
import * as hyperloglogDebug from './hyperloglog-debug.ts';
import * as internal from './internal.ts';
import * as listEnds from './list-ends.ts';
import * as listPlaces from './list-places.ts';
import * as refused from './refused.ts';
import * as config from './server-config.ts';
import * as misc from './server-misc.ts';
import * as observe from './server-observe.ts';
import * as setAlgebra from './set-algebra.ts';
import * as setMembers from './set-members.ts';
import * as zAlgebra from './sorted-set-algebra.ts';
import * as zPop from './sorted-set-pop.ts';
import * as zRanges from './sorted-set-ranges.ts';
import * as zReading from './sorted-set-read.ts';
import * as zWriting from './sorted-set-write.ts';
import * as reading from './string-get.ts';
import * as lcs from './string-lcs.ts';
import * as msetex from './string-msetex.ts';
import * as numbers from './string-number.ts';
import * as writing from './string-set.ts';
import * as transactions from './transactions.ts';

const families: readonly Readonly<Record<string, unknown>>[] = [
  reading,
  writing,
  numbers,
  msetex,
  lcs,
  bit,
  bitOperation,
  field,
  hyperloglog,
  hyperloglogDebug,
  geoPosition,
  geoSearch,
  keys,
  expire,
  { object },
  scan,
  sorting,
  dumps,
  wait,
  hashReading,
  hashWriting,
  hashNumbers,
  hashFieldOptions,
  hashExpire,
  hashRandom,
  setMembers,
  setAlgebra,
  listEnds,
  listPlaces,
  zWriting,
  zReading,
  zRanges,
  zPop,
  zAlgebra,
  collectionScan,
  transactions,
  connection,
  client,
  misc,
  command,
  config,
  observe,
  acl,
  cluster,
  refused,
  internal,
];

export const commandSpecs: readonly CommandSpec[] = families.flatMap((family) => Object.values(family).filter(isSpec));

/** Families also export helpers. */
function isSpec(exported: unknown): exported is CommandSpec {
  return typeof exported === 'object' && exported !== null && 'arity' in exported && 'name' in exported;
}
