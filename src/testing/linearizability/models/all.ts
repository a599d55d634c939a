/** The models that ship, by the names that histories give them. */
import type { Model } from '../model.ts';
import { counter } from './counter.ts';
import { hash } from './hash.ts';
import { list } from './list.ts';
import { register } from './register.ts';
import { set } from './set.ts';

export const MODELS: Readonly<Record<string, Model>> = { register, counter, set, list, hash };
