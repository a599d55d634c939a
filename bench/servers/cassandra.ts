/**
 * Apache Cassandra nodes, one JVM each and children of this process. Needs a folder with the jars of `cassandra-all` and what it depends on
 * (`mvn dependency:copy-dependencies`) in `lib/`, and Java 17.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answers } from '../cql/client.ts';
import type { Endpoint } from '../load/client.ts';
import { freePorts, loopbackHosts } from './addresses.ts';
import { ServerProcess } from './child.ts';
import { waitUntil } from './deployment.ts';

export interface CassandraSetup {
  /** `lib/` is in it. */
  readonly home: string;
  readonly folder: string;
  readonly nodeCount: number;
  readonly heap_mib: number;
}

const READY_TIMEOUT_MS = 180_000;

/** What Java 17 has to open to it; as in Cassandra's own jvm17-server.options. */
const EXPORTS = [
  'java.base/jdk.internal.misc',
  'java.management.rmi/com.sun.jmx.remote.internal.rmi',
  'java.rmi/sun.rmi.registry',
  'java.rmi/sun.rmi.server',
  'java.rmi/sun.rmi.transport.tcp',
  'java.sql/java.sql',
  'java.base/java.lang.ref',
  'jdk.unsupported/sun.misc',
  'jdk.compiler/com.sun.tools.javac.file',
];
const OPENS = [
  'java.base/java.lang.module',
  'java.base/jdk.internal.loader',
  'java.base/jdk.internal.ref',
  'java.base/jdk.internal.reflect',
  'java.base/jdk.internal.math',
  'java.base/jdk.internal.module',
  'java.base/jdk.internal.util.jar',
  'jdk.management/com.sun.management.internal',
  'java.base/sun.nio.ch',
  'java.base/java.io',
  'java.base/java.lang',
  'java.base/java.lang.reflect',
  'java.base/java.util',
  'java.base/java.util.concurrent',
  'java.base/java.util.concurrent.atomic',
  'java.base/java.nio',
  'java.rmi/sun.rmi.transport.tcp',
];

export class CassandraCluster {
  readonly nodes: readonly Endpoint[];
  readonly #setup: CassandraSetup;
  readonly #storagePort: number;
  readonly #processes: ServerProcess[] = [];

  private constructor(setup: CassandraSetup, hosts: readonly string[], port: number) {
    this.#setup = setup;
    this.#storagePort = port + 1;
    this.nodes = hosts.map((host) => ({ host, port }));
  }

  /** Why there is none, in words for who runs the bench; undefined when it can be started. */
  static whyNot(home: string): string | undefined {
    if (home === '') return 'no folder of Apache Cassandra was given (--cassandra=FOLDER, its jars in FOLDER/lib)';
    if (!existsSync(join(home, 'lib')))
      return `${join(home, 'lib')} does not exist: Apache Cassandra's jars belong there`;
    return undefined;
  }

  static async create(setup: CassandraSetup): Promise<CassandraCluster> {
    const hosts = loopbackHosts(setup.nodeCount);
    // Client port, storage port, storage port with TLS.
    const cluster = new CassandraCluster(setup, hosts, await freePorts(hosts, 3));
    // One after the other, as Cassandra wants it: the ring changes by one node at a time.
    for (const index of hosts.keys()) await cluster.#startNode(index);
    return cluster;
  }

  get pids(): readonly number[] {
    return this.#processes.map(({ pid }) => pid);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.stop()));
  }

  async #startNode(index: number): Promise<void> {
    const { home, folder, heap_mib } = this.#setup;
    const data = join(folder, `node-${index + 1}`);
    mkdirSync(data, { recursive: true });
    const yaml = join(data, 'cassandra.yaml');
    const log = join(data, 'logback.xml');
    writeFileSync(yaml, this.#configuration(index, data));
    writeFileSync(log, LOGBACK);
    const process = new ServerProcess('java', [
      `-Xms${heap_mib}m`,
      `-Xmx${heap_mib}m`,
      '-XX:+UseG1GC',
      '-XX:+AlwaysPreTouch',
      '-Djava.security.manager=allow',
      ...EXPORTS.flatMap((name) => ['--add-exports', `${name}=ALL-UNNAMED`]),
      ...OPENS.flatMap((name) => ['--add-opens', `${name}=ALL-UNNAMED`]),
      '-Dcassandra.skip_wait_for_gossip_to_settle=0',
      '-Dcassandra.ring_delay_ms=2000',
      '-Dcassandra.consistent.rangemovement=false',
      `-Dcassandra.storagedir=${data}`,
      `-Dcassandra.config=file://${yaml}`,
      `-Dlogback.configurationFile=${log}`,
      '-Dcassandra-foreground=yes',
      '-cp',
      join(home, 'lib', '*'),
      'org.apache.cassandra.service.CassandraDaemon',
    ]);
    this.#processes.push(process);
    const endpoint = this.nodes[index] as Endpoint;
    await waitUntil(`Cassandra node ${index + 1}`, READY_TIMEOUT_MS, async () => {
      if (!process.running) throw new Error(`Cassandra has ended:\n${process.log}`);
      return answers(endpoint);
    });
  }

  #configuration(index: number, data: string): string {
    const { host, port } = this.nodes[index] as Endpoint;
    return `cluster_name: bench
num_tokens: 16
auto_bootstrap: false
hinted_handoff_enabled: false
authenticator: AllowAllAuthenticator
authorizer: AllowAllAuthorizer
role_manager: CassandraRoleManager
network_authorizer: AllowAllNetworkAuthorizer
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
data_file_directories: [${data}/data]
commitlog_directory: ${data}/commitlog
saved_caches_directory: ${data}/saved_caches
hints_directory: ${data}/hints
cdc_raw_directory: ${data}/cdc_raw
commitlog_sync: batch
commitlog_segment_size: 32MiB
paxos_variant: v2
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters:
      - seeds: "${this.nodes[0]?.host}:${this.#storagePort}"
listen_address: ${host}
rpc_address: ${host}
storage_port: ${this.#storagePort}
ssl_storage_port: ${this.#storagePort + 1}
native_transport_port: ${port}
start_native_transport: true
endpoint_snitch: SimpleSnitch
auto_snapshot: false
`;
  }
}

const LOGBACK = `<configuration>
<appender name="OUT" class="ch.qos.logback.core.ConsoleAppender"><encoder><pattern>%-5level %logger{20} %msg%n</pattern></encoder></appender>
<root level="WARN"><appender-ref ref="OUT"/></root>
</configuration>
`;
