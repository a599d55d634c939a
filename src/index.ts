/**
 * Folkmoot as a library: a node in the caller's process. For whole clusters in tests see `folkmoot/testing`.
 *
 * @example
 * import { completeNodeOptions, Node } from 'folkmoot';
 *
 * const node = new Node(completeNodeOptions({ dataFolder: './data' }));
 * await node.start(); // Redis clients are served on 127.0.0.1:6379 and :6380 from here on
 * await node.drain();
 * await node.stop();
 */
export type { ClusterStatus, HealthReport, NodeStatus, TabletStatus } from './admin/cluster-status.ts';
export { ERRORS, type ErrorCode, type ErrorKind, FolkmootError } from './base/errors.ts';
export type { LogFields, Logger } from './base/log.ts';
export type { NodePorts } from './cluster/view.ts';
export { createLogger, type LogOptions, type RootLogger } from './node/logger.ts';
export { Node } from './node/node.ts';
export type { NodeApi, NodeOptions } from './node/node-api.ts';
export { completeNodeOptions, type NodeOptionsInput } from './node/options.ts';
