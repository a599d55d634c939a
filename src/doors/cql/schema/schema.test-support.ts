/** A schema in memory: statements are carried out as the leader of the metadata group carries them out. */
import { CatalogRefusal } from '../../../cluster/catalog/catalog.ts';
import { MemoryCatalog } from '../../../cluster/catalog/memory-catalog.test-support.ts';
import type { CqlError } from '../errors.ts';
import { type DdlRequest, errorOfRefusal } from './ddl.ts';
import type { Keyspace, Schema, Table } from './model.ts';
import { CQL_SECTION } from './records.ts';
import type { DdlReply } from './schema-change.ts';
import { SchemaRegistry } from './schema-registry.ts';

export class SchemaRig {
  readonly catalog = new MemoryCatalog();
  readonly registry: SchemaRegistry;
  keyspace: string | null = null;
  #tables = 0;

  constructor(system: readonly Keyspace[] = []) {
    this.registry = new SchemaRegistry(this.catalog, system);
  }

  /** With keyspace `ks` in use. */
  static async withKeyspace(system: readonly Keyspace[] = []): Promise<SchemaRig> {
    const rig = new SchemaRig(system);
    await rig.run("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}");
    rig.keyspace = 'ks';
    return rig;
  }

  get schema(): Schema {
    return this.registry.schema;
  }

  async run(text: string): Promise<DdlReply> {
    this.#tables += 1;
    const uuid = `00000000-0000-4000-8000-${String(this.#tables).padStart(12, '0')}`;
    return this.change({ type: 'statement', text, keyspace: this.keyspace, uuid });
  }

  async change(request: DdlRequest): Promise<DdlReply> {
    return (await this.catalog.change(CQL_SECTION, request)) as DdlReply;
  }

  /** The error that a statement is refused with, as clients get it. */
  async refusal(text: string): Promise<CqlError> {
    try {
      await this.run(text);
    } catch (error) {
      if (error instanceof CatalogRefusal) return errorOfRefusal(error);
      throw error;
    }
    throw new Error(`was carried out: ${text}`);
  }

  table(name: string, keyspace = 'ks'): Table {
    const table = this.schema.keyspaces.get(keyspace)?.tables.get(name);
    if (table === undefined) throw new Error(`no table ${keyspace}.${name}`);
    return table;
  }
}
