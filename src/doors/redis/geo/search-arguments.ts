/**
 * The arguments of the commands that search by position, which are one family:
 *
 *   GEOSEARCH key            FROMMEMBER member | FROMLONLAT lon lat    BYRADIUS r unit | BYBOX width height unit
 *                         or BYPOLYGON n lon lat ...
 *   GEOSEARCHSTORE target key   the same
 *   GEORADIUS key lon lat radius unit
 *   GEORADIUSBYMEMBER key member radius unit
 *
 * and then, in any order, [ASC | DESC] [COUNT n [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH] [STORE key | STOREDIST key]. Errors
 * come in the order in which Redis finds them, which depends on whether the key is there.
 */
import type { CommandContext } from '../context.ts';
import { ErrorText, replyError } from '../errors.ts';
import { parseFloatText } from '../number-format.ts';
import { unitMetres } from './distance.ts';
import { isPosition, type Position } from './geohash.ts';
import { type Extent, middleOf, type Shape } from './shape.ts';

/** What the members of the sorted set are asked for while arguments are read. */
export interface SearchSource {
  /** False: there is no such key, and members are not asked for. */
  readonly exists: boolean;
  /** The position of the member that argument `index` is; undefined when it is not in the set. */
  position(index: number): Position | undefined;
}

export interface SearchForm {
  readonly kind: 'search' | 'searchStore' | 'radius' | 'radiusByMember';
  /** The STORE and STOREDIST options are there. */
  readonly canStore: boolean;
}

export interface GeoSearch {
  readonly shape: Shape;
  /** Metres in the unit of distances in the reply. */
  readonly unit_m: number;
  readonly order: 'none' | 'ascending' | 'descending';
  /** 0: all. */
  readonly count: number;
  /** Stop at the first `count` found, whichever they are. */
  readonly any: boolean;
  readonly withDistance: boolean;
  readonly withHash: boolean;
  readonly withCoordinates: boolean;
  /** Index of the argument that names the key to store to; 0: none. */
  readonly storeIndex: number;
  readonly storeDistance: boolean;
}

const NOWHERE: Position = { longitude: 0, latitude: 0 };
const NO_EXTENT: Extent = { kind: 'circle', radius_m: 0 };

function decimal(context: CommandContext, index: number, text: string): number {
  const value = parseFloatText(context.request.string(index));
  if (value === undefined) throw replyError(text);
  return value;
}

/** C's `%f`. */
function sixDecimals(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  return Math.abs(value) < 1e21 ? value.toFixed(6) : `${BigInt(value)}.000000`;
}

/** The position in two arguments, longitude first. */
export function positionArgument(context: CommandContext, index: number): Position {
  const longitude = decimal(context, index, ErrorText.notFloat);
  const latitude = decimal(context, index + 1, ErrorText.notFloat);
  const position = { longitude, latitude };
  if (!isPosition(position)) {
    throw replyError(`ERR invalid longitude,latitude pair ${sixDecimals(longitude)},${sixDecimals(latitude)}`);
  }
  return position;
}

/** Metres in the unit that an argument names. */
export function unitArgument(context: CommandContext, index: number): number {
  const metres = unitMetres(context.request.word(index));
  if (metres === undefined) throw replyError('ERR unsupported unit provided. please use M, KM, FT, MI');
  return metres;
}

class SearchParser {
  readonly #context: CommandContext;
  readonly #form: SearchForm;
  readonly #source: SearchSource;
  #center: Position | undefined;
  #centerFrom: '' | 'FROMMEMBER' | 'FROMLONLAT' | 'BYPOLYGON' = '';
  #extent: Extent | undefined;
  #unit_m = 1;
  #order: GeoSearch['order'] = 'none';
  #count = 0;
  #any = false;
  #withDistance = false;
  #withHash = false;
  #withCoordinates = false;
  #storeIndex = 0;
  #storeDistance = false;

  constructor(context: CommandContext, form: SearchForm, source: SearchSource) {
    this.#context = context;
    this.#form = form;
    this.#source = source;
  }

  parse(): GeoSearch {
    const { request } = this.#context;
    for (let index = this.#readFixed(); index < request.count; ) {
      const read = this.#readOption(index, request.word(index), request.count - index - 1);
      if (read === 0) this.#context.syntaxError();
      index += read;
    }
    this.#check();
    return {
      shape: { center: this.#center ?? NOWHERE, extent: this.#extent ?? NO_EXTENT },
      unit_m: this.#unit_m,
      // The nearest ones are meant when a number is given, unless any will do.
      order: this.#order === 'none' && this.#count > 0 && !this.#any ? 'ascending' : this.#order,
      count: this.#count,
      any: this.#any,
      withDistance: this.#withDistance,
      withHash: this.#withHash,
      withCoordinates: this.#withCoordinates,
      storeIndex: this.#storeIndex,
      storeDistance: this.#storeDistance,
    };
  }

  get #isSearch(): boolean {
    return this.#form.kind === 'search' || this.#form.kind === 'searchStore';
  }

  /** Reads what stands at fixed places. Returns where the options begin. */
  #readFixed(): number {
    if (this.#form.kind === 'search') return 2;
    if (this.#form.kind === 'searchStore') {
      this.#storeIndex = 1;
      return 3;
    }
    if (this.#form.kind === 'radius') {
      this.#center = positionArgument(this.#context, 2);
      this.#readRadius(4);
      return 6;
    }
    if (this.#source.exists) {
      this.#center = this.#memberPosition(2);
      this.#readRadius(3);
    }
    return 5;
  }

  /** Reads an option that `left` arguments follow. Returns how many arguments it took; 0: it is none. */
  #readOption(index: number, word: string, left: number): number {
    return (
      this.#readFlag(word) ||
      this.#readCount(index, word, left) ||
      this.#readStore(index, word, left) ||
      (this.#isSearch ? this.#readCenter(index, word, left) || this.#readExtent(index, word, left) : 0)
    );
  }

  #readFlag(word: string): number {
    if (word === 'WITHDIST') this.#withDistance = true;
    else if (word === 'WITHHASH') this.#withHash = true;
    else if (word === 'WITHCOORD') this.#withCoordinates = true;
    else if (word === 'ANY') this.#any = true;
    else if (word === 'ASC') this.#order = 'ascending';
    else if (word === 'DESC') this.#order = 'descending';
    else return 0;
    return 1;
  }

  #readCount(index: number, word: string, left: number): number {
    if (word !== 'COUNT' || left < 1) return 0;
    const count = this.#context.number(index + 1);
    if (count <= 0) throw replyError('ERR COUNT must be > 0');
    this.#count = count;
    return 2;
  }

  #readStore(index: number, word: string, left: number): number {
    if (this.#form.kind === 'searchStore' && word === 'STOREDIST') {
      this.#storeDistance = true;
      return 1;
    }
    if (!this.#form.canStore || (word !== 'STORE' && word !== 'STOREDIST') || left < 1) return 0;
    this.#storeIndex = index + 1;
    this.#storeDistance = word === 'STOREDIST';
    return 2;
  }

  #readCenter(index: number, word: string, left: number): number {
    const isFree = (of: string): boolean => this.#centerFrom === '' || this.#centerFrom === of;
    if (word === 'FROMMEMBER' && left >= 1 && isFree(word)) {
      this.#centerFrom = word;
      if (this.#source.exists) this.#center = this.#memberPosition(index + 1);
      return 2;
    }
    if (word === 'FROMLONLAT' && left >= 2 && isFree(word)) {
      this.#centerFrom = word;
      this.#center = positionArgument(this.#context, index + 1);
      return 3;
    }
    return 0;
  }

  #readExtent(index: number, word: string, left: number): number {
    const isFree = (kind: string): boolean => this.#extent === undefined || this.#extent.kind === kind;
    if (word === 'BYRADIUS' && left >= 2 && isFree('circle')) {
      this.#readRadius(index + 1);
      return 3;
    }
    if (word === 'BYBOX' && left >= 3 && isFree('box')) {
      this.#readBox(index + 1);
      return 4;
    }
    if (word === 'BYPOLYGON' && left >= 2 && this.#extent === undefined && this.#centerFrom === '') {
      return 2 + this.#readPolygon(index + 1, left - 1) * 2;
    }
    return 0;
  }

  #readRadius(index: number): void {
    const radius = decimal(this.#context, index, 'ERR need numeric radius');
    if (radius < 0) throw replyError('ERR radius cannot be negative');
    this.#unit_m = unitArgument(this.#context, index + 1);
    this.#extent = { kind: 'circle', radius_m: radius * this.#unit_m };
  }

  #readBox(index: number): void {
    const width = decimal(this.#context, index, 'ERR need numeric width');
    const height = decimal(this.#context, index + 1, 'ERR need numeric height');
    if (width < 0 || height < 0) throw replyError('ERR height or width cannot be negative');
    this.#unit_m = unitArgument(this.#context, index + 2);
    this.#extent = { kind: 'box', width_m: width * this.#unit_m, height_m: height * this.#unit_m };
  }

  /** Returns the number of vertices, for which there are `left` arguments. */
  #readPolygon(index: number, left: number): number {
    const count = this.#context.number(index, 'ERR invalid number of vertices');
    if (count < 3 || count * 2 > left) throw replyError('ERR GEOSEARCH BYPOLYGON must have at least 3 vertices');
    const vertices: Position[] = [];
    for (let at = index + 1; vertices.length < count; at += 2) vertices.push(positionArgument(this.#context, at));
    this.#center = middleOf(vertices);
    this.#centerFrom = 'BYPOLYGON';
    this.#extent = { kind: 'polygon', vertices };
    return count;
  }

  #memberPosition(index: number): Position {
    const position = this.#source.position(index);
    if (position === undefined) throw replyError('ERR could not decode requested zset member');
    return position;
  }

  #check(): void {
    const { request } = this.#context;
    if (this.#storeIndex > 0 && (this.#withDistance || this.#withHash || this.#withCoordinates)) {
      const what = this.#form.kind === 'searchStore' ? 'GEOSEARCHSTORE' : 'STORE option in GEORADIUS';
      throw replyError(`ERR ${what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options`);
    }
    if (this.#isSearch && this.#centerFrom === '') {
      throw replyError(`ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ${request.string(0)}`);
    }
    if (this.#isSearch && this.#extent === undefined) {
      throw replyError(`ERR exactly one of BYRADIUS and BYBOX can be specified for ${request.string(0)}`);
    }
    if (this.#any && this.#count === 0) throw replyError('ERR the ANY argument requires COUNT argument');
  }
}

/** Reads the arguments, or throws Redis's error. */
export function parseGeoSearch(context: CommandContext, form: SearchForm, source: SearchSource): GeoSearch {
  return new SearchParser(context, form, source).parse();
}
