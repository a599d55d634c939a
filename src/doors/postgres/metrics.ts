/** What `/metrics` says about a gateway. */
import type { Metrics, Sample } from '../../base/metrics.ts';
import type { PostgresDoor } from './door.ts';
import type { PoolRow } from './pool/pool-rows.ts';

export function registerGatewayMetrics(metrics: Metrics, door: PostgresDoor): void {
  const of = door.statistics;
  const counter = (name: string, help: string, read: () => number): void =>
    metrics.counter(`folkmoot_postgres_gateway_${name}_total`, help, read);
  counter('clients', 'PostgreSQL clients accepted', () => of.clientsReceived);
  counter('clients_rejected', 'Clients refused because there were too many', () => of.clientsRejected);
  counter('logins_failed', 'Log-ins with a wrong name or password', () => of.loginsFailed);
  counter('transactions', 'Transactions that ended', () => of.transactions);
  counter('read_transactions', 'Of them, those on the port for reading', () => of.standbyTransactions);
  counter('reads_on_primary', 'Reads that no standby could serve in time', () => of.readsOnPrimary);
  counter('waits', 'Transactions that waited for a connection', () => of.waits);
  counter('wait_timeouts', 'Of them, those that got none in time', () => of.waitTimeouts);
  counter('servers_opened', 'Connections to PostgreSQL opened', () => of.serversOpened);
  counter('servers_failed', 'Connections to PostgreSQL that could not be opened', () => of.serversFailed);
  counter('cancels', 'Statements cancelled by clients', () => of.cancels);
  counter('prepared_again', 'Statements prepared on another connection', () => of.preparedAgain);
  counter('settings_applied', 'Connections given the settings of another session', () => of.settingsApplied);
  counter('refused', 'Statements answered with an error of the gateway', () => of.refused);
  counter('interrupted', 'Sessions that lost their connection and had not committed (57P01)', () => of.interrupted);
  counter('unknown_outcomes', 'Sessions told that an outcome is unknown (08007)', () => of.unknownOutcomes);
  counter('input_bytes', 'Bytes from clients', () => of.bytesIn);
  counter('output_bytes', 'Bytes from PostgreSQL to clients', () => of.bytesOut);
  metrics.counters(
    'folkmoot_postgres_gateway_pinned_total',
    'Sessions that kept their connection for what they did',
    ['reason'],
    () => Object.entries(of.pinned).map(([reason, value]): Sample => ({ labels: { reason }, value })),
  );
  metrics.gauge('folkmoot_postgres_gateway_sessions', 'Clients connected', () => door.clients);
  const pools = (read: (row: PoolRow) => number) => (): Sample[] =>
    door
      .poolRows()
      .map((row) => ({ labels: { database: row.database, role: row.user, port: row.port }, value: read(row) }));
  const labels = ['database', 'role', 'port'];
  metrics.gauges(
    'folkmoot_postgres_pool_clients',
    'Clients of a pool',
    labels,
    pools((row) => row.clients),
  );
  metrics.gauges(
    'folkmoot_postgres_pool_waiting',
    'Those that wait',
    labels,
    pools((row) => row.clientsWaiting),
  );
  metrics.gauges(
    'folkmoot_postgres_pool_pinned',
    'Those that keep one',
    labels,
    pools((row) => row.clientsPinned),
  );
  metrics.gauges(
    'folkmoot_postgres_pool_servers',
    'Connections of a pool',
    labels,
    pools((row) => row.servers),
  );
  metrics.gauges(
    'folkmoot_postgres_pool_idle',
    'Those that nobody uses',
    labels,
    pools((row) => row.serversIdle),
  );
}
